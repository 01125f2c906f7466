import styles from './chips.module.css'

/** Filters of which one holds; each says how much it leaves. */
export function Chips<Name extends string>({
  label,
  value,
  onChange,
  chips
}: {
  label: string
  value: Name
  onChange: (name: Name) => void
  chips: readonly { name: Name; label: string; count: string }[]
}) {
  return (
    <fieldset className={styles.chips}>
      <legend className="hidden-visually">{label}</legend>
      {chips.map((chip) => (
        <button key={chip.name} type="button" className={styles.chip} aria-pressed={chip.name === value} onClick={() => onChange(chip.name)}>
          {chip.label}
          <span className={styles.count}>{chip.count}</span>
        </button>
      ))}
    </fieldset>
  )
}
