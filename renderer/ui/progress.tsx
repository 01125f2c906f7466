import { Progress as Base } from '@base-ui/react/progress'
import styles from './progress.module.css'

/** How far something is. `value` of 0–100; null: that is not known. `text` is heard instead of the number. */
export function Progress({ label, value, text }: { label: string; value: number | null; text?: string }) {
  return (
    <Base.Root className={styles.progress} aria-label={label} value={value} {...(text === undefined ? {} : { getAriaValueText: () => text })}>
      <Base.Track className={styles.track}>
        <Base.Indicator className={styles.bar} />
      </Base.Track>
    </Base.Root>
  )
}
