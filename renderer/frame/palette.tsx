import { Dialog as Base } from '@base-ui/react/dialog'
import { Fragment, useId, useRef, useState } from 'react'
import { useFrameText } from '../messages/text.ts'
import dialog from '../ui/dialog.module.css'
import { KeyHint } from '../ui/key-hint.tsx'
import type { Action } from './action.ts'
import { useAllActions } from './actions.ts'
import styles from './palette.module.css'
import { findActions } from './palette-search.ts'

/** Every action by its name: type, arrow keys, Enter. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useFrameText()
  const input = useRef<HTMLInputElement>(null)
  return (
    <Base.Root open={open} onOpenChange={(isOpen) => isOpen || onClose()}>
      <Base.Portal>
        <Base.Backdrop className={dialog.backdrop} />
        <Base.Popup className={styles.palette} aria-label={t('palette')} initialFocus={input}>
          <Search onClose={onClose} inputRef={input} />
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

function Search({ onClose, inputRef }: { onClose: () => void; inputRef: React.RefObject<HTMLInputElement | null> }) {
  const t = useFrameText()
  const [search, setSearch] = useState('')
  const [current, setCurrent] = useState(0)
  const listId = useId()
  const found = findActions(
    useAllActions().filter(({ id }) => id !== 'palette'),
    search
  )
  const chosen = found[Math.min(current, found.length - 1)]
  const optionId = (action: Action) => `${listId}-${action.id}`

  const run = (action: Action | undefined) => {
    if (action === undefined) return
    onClose()
    // After the focus has returned, or what the action opens would lose it again.
    requestAnimationFrame(() => action.run())
  }
  const move = (to: number) => {
    const next = found.length === 0 ? 0 : (to + found.length) % found.length
    setCurrent(next)
    const action = found[next]
    if (action !== undefined) document.getElementById(optionId(action))?.scrollIntoView({ block: 'nearest' })
  }

  return (
    <>
      <input
        ref={inputRef}
        className={styles.input}
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={chosen === undefined ? undefined : optionId(chosen)}
        aria-label={t('palette')}
        placeholder={t('palette-placeholder')}
        value={search}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setSearch(event.target.value)
          setCurrent(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') move(current + 1)
          else if (event.key === 'ArrowUp') move(current - 1)
          else if (event.key === 'Enter' && !event.nativeEvent.isComposing) run(chosen)
          else return
          event.preventDefault()
        }}
      />
      <div id={listId} role="listbox" aria-label={t('palette')} className={styles.list}>
        {found.map((action, i) => (
          <Fragment key={action.id}>
            {search === '' && action.group !== found[i - 1]?.group ? (
              <div className={styles.group} role="presentation">
                {action.group}
              </div>
            ) : null}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, as aria-activedescendant has it. */}
            <div
              id={optionId(action)}
              role="option"
              tabIndex={-1}
              aria-selected={action === chosen}
              className={styles.option}
              onClick={() => run(action)}
              onMouseMove={() => setCurrent(i)}
            >
              <span>{action.title}</span>
              {action.shortcut === undefined ? null : <KeyHint shortcut={action.shortcut} />}
            </div>
          </Fragment>
        ))}
      </div>
      {found.length === 0 ? <p className={styles.nothing}>{t('palette-empty')}</p> : null}
      <p className="hidden-visually" role="status">
        {t('palette-results', { count: found.length })}
      </p>
    </>
  )
}
