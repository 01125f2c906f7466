import { Menu as Base } from '@base-ui/react/menu'
import { Check } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import styles from './menu.module.css'

export type MenuEntry =
  | { id: string; label: ReactNode; icon?: ReactNode; hint?: ReactNode; danger?: boolean; run: () => void }
  | { id: string; label: string; choices: { value: string; label: string }[]; value: string; choose: (value: string) => void }

/** A button that opens a list of things to do; `choices` are a group of which one holds. */
export function Menu({ trigger, entries, label }: { trigger: ReactElement; entries: readonly MenuEntry[]; label?: ReactNode }) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger as ReactElement<Record<string, unknown>>} />
      <Base.Portal>
        <Base.Positioner className={styles.positioner} sideOffset={4} align="end">
          <Base.Popup className={styles.popup}>
            {label === undefined ? null : <div className={styles.label}>{label}</div>}
            {entries.map((entry) =>
              'choices' in entry ? (
                <Base.RadioGroup key={entry.id} className={styles.group} value={entry.value} onValueChange={entry.choose}>
                  <Base.Group>
                    <Base.GroupLabel className={styles.label}>{entry.label}</Base.GroupLabel>
                    {entry.choices.map(({ value, label: text }) => (
                      <Base.RadioItem key={value} value={value} className={styles.item} closeOnClick>
                        <span className={styles.mark}>
                          <Base.RadioItemIndicator>
                            <Check />
                          </Base.RadioItemIndicator>
                        </span>
                        {text}
                      </Base.RadioItem>
                    ))}
                  </Base.Group>
                </Base.RadioGroup>
              ) : (
                <Base.Item key={entry.id} className={styles.item} data-danger={entry.danger === true ? '' : undefined} onClick={entry.run}>
                  <span className={styles.mark}>{entry.icon}</span>
                  {entry.label}
                  {entry.hint === undefined ? null : <span className={styles.hint}>{entry.hint}</span>}
                </Base.Item>
              )
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
