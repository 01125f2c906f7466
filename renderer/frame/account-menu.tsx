import { Keyboard, LogIn, LogOut } from 'lucide-react'
import type { ReactElement } from 'react'
import { useFrameText } from '../messages/text.ts'
import { signOut, useSession } from '../session/session.ts'
import { type Language, languages } from '../text/languages.ts'
import { setLanguage, useLanguage } from '../text/text.ts'
import { KeyHint } from '../ui/key-hint.tsx'
import { Menu, type MenuEntry } from '../ui/menu.tsx'
import { showError } from '../ui/toast-store.ts'
import { setTheme, type Theme, useTheme } from './theme.ts'

/** Who this is, and how the console looks to it. */
export function AccountMenu({ trigger, onShortcuts, onSignIn }: { trigger: ReactElement; onShortcuts: () => void; onSignIn: () => void }) {
  const t = useFrameText()
  const session = useSession()
  const theme = useTheme()
  const { language } = useLanguage()
  if (session.type !== 'known') return null
  const { client, by } = session.session
  const leave = () => {
    signOut().catch((error: unknown) => showError(t('sign-out-failed'), error))
  }
  const account: MenuEntry =
    by === 'cookie'
      ? { id: 'sign-out', label: t('sign-out'), icon: <LogOut />, run: leave }
      : { id: 'sign-in', label: t('sign-in'), icon: <LogIn />, run: onSignIn }
  return (
    <Menu
      trigger={trigger}
      label={`${by === 'none' ? t('without-key') : t('signed-in-as', { name: client.name })} · ${t(`role-${client.role}`)}`}
      entries={[
        account,
        { id: 'shortcuts', label: t('shortcuts'), icon: <Keyboard />, hint: <KeyHint shortcut="mod+/" />, run: onShortcuts },
        {
          id: 'theme',
          label: t('theme'),
          value: theme,
          choices: themes.map((value) => ({ value, label: t(`theme-${value}`) })),
          choose: (value) => setTheme(value as Theme) // One of the choices above.
        },
        {
          id: 'language',
          label: t('language'),
          value: language,
          choices: Object.entries(languages).map(([value, label]) => ({ value, label })),
          choose: (value) => void setLanguage(value as Language)
        }
      ]}
    />
  )
}

export const themes: readonly Theme[] = ['system', 'light', 'dark']
