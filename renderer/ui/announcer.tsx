import { useSyncExternalStore } from 'react'

let message = ''
let count = 0
let snapshot = { message, count }
const listeners = new Set<() => void>()

/** Says something to who does not see it happen. Said twice it is heard twice. */
export function announce(text: string): void {
  message = text
  count++
  snapshot = { message, count }
  for (const listener of listeners) listener()
}

/** Where `announce` speaks; one for the whole console. */
export function Announcer() {
  const said = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => snapshot
  )
  return (
    <div className="hidden-visually" role="status" aria-live="polite">
      <span key={said.count}>{said.message}</span>
    </div>
  )
}
