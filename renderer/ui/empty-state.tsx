import type { ReactNode } from 'react'
import { useFrameText } from '../messages/text.ts'
import { CommandLine } from './command-line.tsx'
import styles from './empty-state.module.css'

/** Says what a place is for while nothing is in it: one button, and one command line that does the same. */
export function EmptyState({
  icon,
  title,
  children,
  action,
  command
}: {
  icon?: ReactNode
  title: string
  children?: ReactNode
  action?: ReactNode
  command?: string
}) {
  const t = useFrameText()
  return (
    <div className={styles.empty}>
      {icon}
      <h2>{title}</h2>
      {children === undefined ? null : <p>{children}</p>}
      {action}
      {command === undefined ? null : (
        <div className={styles.command}>
          <span>{t('same-by-command')}</span>
          <CommandLine command={command} />
        </div>
      )}
    </div>
  )
}
