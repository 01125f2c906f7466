import { PanelLeft } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useFrameText } from '../messages/text.ts'
import { IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import styles from './page-layout.module.css'
import { StatusCorner } from './status-corner.tsx'

/** The first page of a visit takes no focus; those one goes to from there do. */
let isFirst = true

/**
 * What every page is made of: its title, what can be done, how the server is, and the room below. `list`: a pane beside the room, which becomes
 * a sheet where the window is narrow. `aside`: details beside the content.
 */
export function PageLayout({
  title,
  actions,
  list,
  aside,
  children
}: {
  title: string
  actions?: ReactNode
  list?: { label: string; content: ReactNode }
  aside?: ReactNode
  children: ReactNode
}) {
  const t = useFrameText()
  const [isListOpen, setListOpen] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (!isFirst) heading.current?.focus({ preventScroll: true })
    isFirst = false
  }, [])
  useEffect(() => {
    document.title = `${title} · Outpost`
  }, [title])
  return (
    <>
      {list === undefined ? null : (
        <section className={styles.list} aria-label={list.label}>
          {list.content}
        </section>
      )}
      <main id="content" className={styles.main}>
        <header className={styles.header}>
          {list === undefined ? null : (
            <>
              <IconButton className={styles.opener} label={t('show-list')} icon={<PanelLeft />} onClick={() => setListOpen(true)} />
              <Dialog shape="sheet" open={isListOpen} onClose={() => setListOpen(false)} title={list.label}>
                {list.content}
              </Dialog>
            </>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          <div className={styles.actions}>{actions}</div>
          <StatusCorner />
        </header>
        <div className={styles.room}>
          <div className={styles.content}>{children}</div>
          {aside}
        </div>
      </main>
    </>
  )
}
