import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode, RefObject } from 'react'
import { useFrameText } from '../messages/text.ts'
import { IconButton } from './button.tsx'
import { classNames } from './class-names.ts'
import styles from './dialog.module.css'

export type DialogProps = {
  open: boolean
  onClose: () => void
  title: ReactNode
  description?: ReactNode
  children?: ReactNode
  /** Buttons, the one that goes on last. */
  actions?: ReactNode
  /** `sheet`: from the side, the whole height. */
  shape?: 'card' | 'sheet'
  /** Where the focus goes first; the first control where it is not given. */
  initialFocus?: RefObject<HTMLElement | null>
}

/** Takes the whole attention; Escape and a click beside it close it, and the focus returns where it came from. */
export function Dialog({ open, onClose, title, description, children, actions, shape = 'card', initialFocus }: DialogProps) {
  const t = useFrameText()
  return (
    <Base.Root open={open} onOpenChange={(isOpen) => isOpen || onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={classNames(styles.popup, styles[shape])} {...(initialFocus === undefined ? {} : { initialFocus })}>
          <div className={styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            <Base.Close render={<IconButton label={t('close')} icon={<X />} />} />
          </div>
          {description === undefined ? null : <Base.Description className={styles.description}>{description}</Base.Description>}
          {children === undefined ? null : <div className={styles.body}>{children}</div>}
          {actions === undefined ? null : <div className={styles.actions}>{actions}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
