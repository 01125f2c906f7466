import { Field as Base } from '@base-ui/react/field'
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.ts'
import styles from './field.module.css'

/** A control with its name above, and below what it is for or what is wrong with what is in it. */
export function Field({ label, hint, error, children }: { label: ReactNode; hint?: ReactNode; error?: ReactNode; children: ReactNode }) {
  const isWrong = error !== undefined && error !== null
  return (
    <Base.Root className={styles.field} invalid={isWrong}>
      <Base.Label className={styles.label}>{label}</Base.Label>
      {children}
      {isWrong ? (
        <Base.Error className={styles.error} match>
          {error}
        </Base.Error>
      ) : hint === undefined ? null : (
        <Base.Description className={styles.hint}>{hint}</Base.Description>
      )}
    </Base.Root>
  )
}

/** One line of text; in a `Field` it is tied to its label and hint. `mono`: for what is typed exactly: keys, paths, addresses. */
export function TextInput({ mono = false, className, ...rest }: ComponentProps<'input'> & { mono?: boolean }) {
  return <Base.Control className={classNames(styles.input, mono && styles.mono, className)} {...rest} />
}
