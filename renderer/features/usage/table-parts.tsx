import type { ReactNode } from 'react'
import type { ApiError } from '../../api.ts'
import { classNames } from '../../ui/class-names.ts'
import { ErrorNote } from '../../ui/error-note.tsx'
import { usageText } from './text.ts'
import styles from './usage.module.css'

/** The head of a column of numbers. */
export function NumberHead({ className, children }: { className?: string | undefined; children: ReactNode }) {
  return (
    <th scope="col" className={classNames(styles.number, className)}>
      {children}
    </th>
  )
}

/** Why nothing can be shown. */
export function Failure({ error }: { error: ApiError }) {
  const t = usageText.useText()
  return (
    <div role="alert">
      <ErrorNote title={t('failed')} error={error} />
    </div>
  )
}
