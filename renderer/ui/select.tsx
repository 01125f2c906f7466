import { Select as Base } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import { classNames } from './class-names.ts'
import field from './field.module.css'
import menu from './menu.module.css'

/** One of a few; `label` is heard where a `Field` around it does not show one. */
export function Select<Value extends string>({
  value,
  options,
  onChange,
  label
}: {
  value: Value
  options: readonly { value: Value; label: string }[]
  onChange: (value: Value) => void
  label?: string
}) {
  return (
    <Base.Root items={options} value={value} onValueChange={(next) => next !== null && onChange(next)}>
      <Base.Trigger className={classNames(field.input, field.select)} {...(label === undefined ? {} : { 'aria-label': label })}>
        <Base.Value />
        <Base.Icon className={field.arrow}>
          <ChevronDown />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={menu.positioner} sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup className={menu.popup}>
            {options.map((option) => (
              <Base.Item key={option.value} value={option.value} className={menu.item}>
                <span className={menu.mark}>
                  <Base.ItemIndicator>
                    <Check />
                  </Base.ItemIndicator>
                </span>
                <Base.ItemText>{option.label}</Base.ItemText>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
