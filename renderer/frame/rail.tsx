import { CircleUserRound, PanelLeftClose, PanelLeftOpen, Search } from 'lucide-react'
import { useState } from 'react'
import { Link, useRoute } from 'wouter'
import { useFrameText } from '../messages/text.ts'
import { useMay } from '../session/session.ts'
import { useLanguage } from '../text/text.ts'
import { classNames } from '../ui/class-names.ts'
import { AccountMenu } from './account-menu.tsx'
import type { Page } from './page.ts'
import { pages } from './pages.ts'
import styles from './rail.module.css'

const storageKey = 'outpost.rail'
/** From this order on a page stands at the foot. */
const footFrom = 100

/** The pages there are for this user; at the lower edge where the window is narrow. */
export function Rail({ onPalette, onShortcuts, onSignIn }: { onPalette: () => void; onShortcuts: () => void; onSignIn: () => void }) {
  const t = useFrameText()
  const may = useMay()
  const [isNarrow, setNarrow] = useState(localStorage.getItem(storageKey) === 'narrow')
  const shown = pages.filter(({ isFor }) => isFor(may))
  const toggle = () => {
    localStorage.setItem(storageKey, isNarrow ? 'wide' : 'narrow')
    setNarrow(!isNarrow)
  }
  const Toggle = isNarrow ? PanelLeftOpen : PanelLeftClose
  const toggleText = isNarrow ? t('expand-rail') : t('collapse-rail')
  const links = (list: readonly Page[]) => (
    <ul>
      {list.map((page) => (
        <li key={page.name}>
          <RailLink page={page} />
        </li>
      ))}
    </ul>
  )
  return (
    <nav className={classNames(styles.rail, isNarrow && styles.narrow)} aria-label={t('main-navigation')}>
      <div className={styles.brand}>
        <Mark />
        <span className={styles.name}>Outpost</span>
      </div>
      <button type="button" className={classNames(styles.entry, styles.search)} onClick={onPalette} title={t('palette')}>
        <Search aria-hidden />
        <span className={styles.name}>{t('palette')}</span>
      </button>
      {links(shown.filter(({ order }) => order < footFrom))}
      <div className={styles.foot}>
        {links(shown.filter(({ order }) => order >= footFrom))}
        <AccountMenu
          onShortcuts={onShortcuts}
          onSignIn={onSignIn}
          trigger={
            <button type="button" className={styles.entry} title={t('account')}>
              <CircleUserRound aria-hidden />
              <span className={styles.name}>{t('account')}</span>
            </button>
          }
        />
        <button type="button" className={classNames(styles.entry, styles.toggle)} onClick={toggle} title={toggleText} aria-pressed={isNarrow}>
          <Toggle aria-hidden />
          <span className={styles.name}>{toggleText}</span>
        </button>
      </div>
    </nav>
  )
}

function RailLink({ page }: { page: Page }) {
  const { language } = useLanguage()
  const [isHere] = useRoute(`/${page.name}/*?`)
  const title = page.title[language]
  return (
    <Link href={`/${page.name}`} className={styles.entry} aria-current={isHere ? 'page' : undefined} title={title}>
      <page.icon aria-hidden />
      <span className={styles.name}>{title}</span>
    </Link>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path d="M8 24V13l8-6 8 6v11h-5v-7h-6v7z" fill="var(--on-accent)" />
    </svg>
  )
}
