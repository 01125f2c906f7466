import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'
import styles from './tabs.module.css'

/** Ways to do one thing, or sides of one thing, of which one is seen at a time. */
export function Tabs<Name extends string>({
  label,
  value,
  onChange,
  tabs
}: {
  label: string
  value: Name
  onChange: (name: Name) => void
  tabs: readonly { name: Name; label: ReactNode; content: ReactNode }[]
}) {
  return (
    <Base.Root value={value} onValueChange={onChange}>
      <Base.List className={styles.list} aria-label={label} activateOnFocus>
        {tabs.map((tab) => (
          <Base.Tab key={tab.name} value={tab.name} className={styles.tab}>
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.name} value={tab.name} className={styles.panel}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
