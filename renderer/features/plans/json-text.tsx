import type { Json, SchemaNode } from '#contracts/plan.ts'
import styles from './plans.module.css'

/** JSON as text to read; what is text is shown as it stands. Nothing of it is ever taken for markup. */
export function JsonText({ value }: { value: Json | SchemaNode }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long text scrolls, and the keyboard must be able to.
    <pre className={styles.json} tabIndex={0} dir="auto">
      {text}
    </pre>
  )
}
