import { X } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { useFrameText } from '../messages/text.ts'
import { Button, IconButton } from './button.tsx'
import { ErrorNote } from './error-note.tsx'
import { closeToast, toastStore } from './toast-store.ts'
import styles from './toasts.module.css'

/** What was done and what went wrong, at the lower edge. F6 goes there. */
export function Toasts() {
  const t = useFrameText()
  const toasts = useSyncExternalStore(toastStore.subscribe, toastStore.read)
  return (
    <section id="toasts" className={styles.toasts} aria-label={t('notices')} tabIndex={-1}>
      <div role="status" aria-live="polite">
        {toasts
          .filter(({ error }) => error === undefined)
          .map(({ id, text, action }) => (
            <div key={id} className={styles.toast}>
              <span>{text}</span>
              {action === undefined ? null : (
                <Button
                  size="small"
                  onClick={() => {
                    closeToast(id)
                    action.run()
                  }}
                >
                  {action.label}
                </Button>
              )}
              <IconButton label={t('close')} size="small" icon={<X />} onClick={() => closeToast(id)} />
            </div>
          ))}
      </div>
      <div role="alert">
        {toasts.map(({ id, text, error }) =>
          error === undefined ? null : (
            <div key={id} className={styles.toast}>
              <ErrorNote title={text} error={error} />
              <IconButton label={t('close')} size="small" icon={<X />} onClick={() => closeToast(id)} />
            </div>
          )
        )}
      </div>
    </section>
  )
}
