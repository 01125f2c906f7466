import { Field } from '@base-ui/react/field'
import { classNames } from '../../ui/class-names.ts'
import styles from './plans.module.css'

/** Some lines of text; in a `Field` it is tied to its label and hint. */
export function TextArea({
  value,
  onChange,
  rows,
  mono = false
}: {
  value: string
  onChange: (value: string) => void
  rows: number
  mono?: boolean
}) {
  return (
    <Field.Control
      className={classNames(styles.area, mono && styles.mono)}
      value={value}
      onValueChange={onChange}
      dir={mono ? 'ltr' : 'auto'}
      render={<textarea rows={rows} spellCheck={!mono} />}
    />
  )
}
