import { Meter as Base } from '@base-ui/react/meter'
import styles from './meter.module.css'

/** How much of something is taken. `level` says how that is, beside the text that says it in words. */
export function Meter({
  label,
  value,
  max,
  text,
  level = 'normal'
}: {
  label: string
  value: number
  max: number
  text: string
  level?: 'normal' | 'warn' | 'bad'
}) {
  return (
    <Base.Root className={styles.meter} value={Math.min(value, max)} max={Math.max(1, max)} getAriaValueText={() => text}>
      <div className={styles.words}>
        <Base.Label>{label}</Base.Label>
        <span className={styles.text}>{text}</span>
      </div>
      <Base.Track className={styles.track}>
        <Base.Indicator className={styles.bar} data-level={level} />
      </Base.Track>
    </Base.Root>
  )
}
