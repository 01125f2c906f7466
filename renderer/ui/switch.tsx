import { Switch as Base } from '@base-ui/react/switch'
import type { ReactNode } from 'react'
import styles from './switch.module.css'

/** On or off, in force at once. */
export function Switch({
  label,
  checked,
  onChange,
  disabled = false
}: {
  label: ReactNode
  checked: boolean
  onChange: (checked: boolean) => void
  disabled?: boolean
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the switch inside is one; Base UI ties them together.
    <label className={styles.label}>
      <Base.Root className={styles.switch} checked={checked} onCheckedChange={onChange} disabled={disabled}>
        <Base.Thumb className={styles.thumb} />
      </Base.Root>
      {label}
    </label>
  )
}
