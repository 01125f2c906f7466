import { useEffect, useState } from 'react'
import { Redirect, Route, Switch, useLocation } from 'wouter'
import { onLiveEvent, useLive } from '../live/live.ts'
import { useFrameText } from '../messages/text.ts'
import { queries, signOut, useMay, useSession } from '../session/session.ts'
import { type Language, languages } from '../text/languages.ts'
import { setLanguage, useLanguage } from '../text/text.ts'
import { Announcer } from '../ui/announcer.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Late, Skeleton } from '../ui/skeleton.tsx'
import { showError } from '../ui/toast-store.ts'
import { Toasts } from '../ui/toasts.tsx'
import { themes } from './account-menu.tsx'
import type { Action } from './action.ts'
import { actionFor, useActions } from './actions.ts'
import styles from './app.module.css'
import { LazyPage } from './lazy-page.tsx'
import { PageLayout } from './page-layout.tsx'
import { pages } from './pages.ts'
import { Palette } from './palette.tsx'
import { Rail } from './rail.tsx'
import { ShortcutList } from './shortcut-list.tsx'
import { SignInDialog, SignInPage } from './sign-in.tsx'
import { setTheme } from './theme.ts'

type Open = 'palette' | 'shortcuts' | 'sign-in' | undefined

/** Everything there is to see: who this is decides what. */
export function App() {
  const session = useSession()
  if (session.type === 'unknown')
    return (
      <Late>
        <Skeleton />
      </Late>
    )
  return (
    <>
      {session.type === 'refused' ? (
        <SignInPage error={session.error.code === 'key_revoked' ? session.error : undefined} />
      ) : (
        <Frame key={session.session.client.id} />
      )}
      <Toasts />
      <Announcer />
    </>
  )
}

function Frame() {
  const t = useFrameText()
  const may = useMay()
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  useRefreshAfterReset()
  useActions(useFrameActions(setOpen))
  useShortcuts()
  const shown = pages.filter(({ isFor }) => isFor(may))
  const first = shown[0]
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href="#content">
        {t('skip-to-content')}
      </a>
      <Rail onPalette={() => setOpen('palette')} onShortcuts={() => setOpen('shortcuts')} onSignIn={() => setOpen('sign-in')} />
      <Switch>
        {first === undefined ? null : (
          <Route path="/">
            <Redirect to={`/${first.name}`} replace />
          </Route>
        )}
        {shown.map((page) => (
          <Route key={page.name} path={`/${page.name}/*?`}>
            <LazyPage page={page} />
          </Route>
        ))}
        <Route>
          <PageLayout title={t('not-found-title')}>
            <EmptyState title={t('not-found-title')}>{t('not-found')}</EmptyState>
          </PageLayout>
        </Route>
      </Switch>
      <Palette open={open === 'palette'} onClose={close} />
      <ShortcutList open={open === 'shortcuts'} onClose={close} />
      <SignInDialog open={open === 'sign-in'} onClose={close} />
    </div>
  )
}

function useFrameActions(setOpen: (open: Open) => void): Action[] {
  const t = useFrameText()
  const may = useMay()
  const session = useSession()
  const { language } = useLanguage()
  const [, go] = useLocation()
  const isSignedIn = session.type === 'known' && session.session.by === 'cookie'
  return [
    ...pages
      .filter(({ isFor }) => isFor(may))
      .map(({ name, title, shortcut }) => ({
        id: `page-${name}`,
        title: t('go-to', { page: title[language] }),
        group: t('group-pages'),
        keywords: title.en,
        ...(shortcut === undefined ? {} : { shortcut }),
        run: () => go(`/${name}`)
      })),
    { id: 'palette', title: t('palette'), group: t('group-view'), shortcut: 'mod+k', run: () => setOpen('palette') },
    { id: 'shortcuts', title: t('shortcuts'), group: t('group-view'), shortcut: 'mod+/', run: () => setOpen('shortcuts') },
    ...themes.map((theme) => ({
      id: `theme-${theme}`,
      title: `${t('theme')}: ${t(`theme-${theme}`)}`,
      group: t('group-view'),
      keywords: `theme ${theme}`,
      run: () => setTheme(theme)
    })),
    ...(Object.entries(languages) as [Language, string][]).map(([name, title]) => ({
      id: `language-${name}`,
      title: `${t('language')}: ${title}`,
      group: t('group-view'),
      keywords: `language ${name}`,
      run: () => void setLanguage(name)
    })),
    isSignedIn
      ? {
          id: 'sign-out',
          title: t('sign-out'),
          group: t('group-account'),
          run: () => void signOut().catch((error: unknown) => showError(t('sign-out-failed'), error))
        }
      : { id: 'sign-in', title: t('sign-in'), group: t('group-account'), run: () => setOpen('sign-in') }
  ]
}

function useShortcuts(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return
      if (event.key === 'F6') {
        event.preventDefault()
        document.getElementById('toasts')?.focus()
        return
      }
      const action = actionFor(event)
      if (action === undefined) return
      event.preventDefault()
      action.run()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
}

/** What was asked for may be old once the connection had a gap that could not be filled. */
function useRefreshAfterReset(): void {
  const known = useLive((state) => state.known)
  useEffect(() => {
    if (!known) return
    return onLiveEvent((event) => {
      if (event.type === 'reset') void queries.invalidateQueries()
    })
  }, [known])
}
