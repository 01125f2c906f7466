import { Search } from 'lucide-react'
import type { RefObject } from 'react'
import field from './field.module.css'
import styles from './search-field.module.css'

/** Narrows a list while one types; Escape empties it. */
export function SearchField({
  label,
  value,
  onChange,
  inputRef
}: {
  label: string
  value: string
  onChange: (value: string) => void
  inputRef?: RefObject<HTMLInputElement | null>
}) {
  return (
    <div className={styles.search}>
      <Search aria-hidden />
      <input
        ref={inputRef}
        className={field.input}
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || value === '') return
          event.stopPropagation()
          onChange('')
        }}
      />
    </div>
  )
}
