import { ArrowDown, ArrowUp } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.ts'
import type { Sorting } from './sorting.ts'
import styles from './table.module.css'

/** Rows of 32 pixels. `label` is what it is a table of. */
export function Table({ label, className, children }: { label: string; className?: string | undefined; children: ReactNode }) {
  return (
    <table className={classNames(styles.table, className)} aria-label={label}>
      {children}
    </table>
  )
}

/** A head that sorts by its column, and back by a second click. */
export function SortHead<Column extends string>({
  column,
  sorting,
  onSort,
  numeric = false,
  className,
  children
}: {
  column: Column
  sorting: Sorting<Column> | undefined
  onSort: (sorting: Sorting<Column>) => void
  numeric?: boolean
  className?: string | undefined
  children: ReactNode
}) {
  const isSorted = sorting?.column === column
  const Arrow = isSorted && sorting.descending ? ArrowDown : ArrowUp
  return (
    <th
      scope="col"
      className={classNames(numeric && styles.numeric, className)}
      aria-sort={isSorted ? (sorting.descending ? 'descending' : 'ascending') : undefined}
    >
      <button type="button" className={styles.sort} onClick={() => onSort({ column, descending: isSorted && !sorting.descending })}>
        {children}
        <Arrow aria-hidden className={isSorted ? undefined : styles.unsorted} />
      </button>
    </th>
  )
}

/** A cell; `numeric` stands at the end of its column, in figures of one width. */
export function Cell({ numeric = false, className, ...rest }: ComponentProps<'td'> & { numeric?: boolean }) {
  return <td className={classNames(numeric && styles.numeric, className)} {...rest} />
}
