import { X } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { useFrameText } from '../messages/text.ts'
import { IconButton } from './button.tsx'
import styles from './side-panel.module.css'

/**
 * Details of one thing of a list, beside the list where there is room. It takes the focus when it opens, and closes by Escape; where the focus
 * then goes is for the list to say.
 */
export function SidePanel({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const t = useFrameText()
  const heading = useRef<HTMLHeadingElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another thing in the panel is another panel.
  useEffect(() => heading.current?.focus({ preventScroll: true }), [title])
  return (
    <aside
      className={styles.panel}
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.stopPropagation()
        onClose()
      }}
    >
      <div className={styles.head}>
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <IconButton label={t('close')} icon={<X />} onClick={onClose} />
      </div>
      <div className={styles.body}>{children}</div>
    </aside>
  )
}
