import { useEffect, useId, useSyncExternalStore } from 'react'
import type { Action } from './action.ts'
import { isPressed, type Press } from './shortcut.ts'

const registered = new Map<string, readonly Action[]>()
const listeners = new Set<() => void>()
let all: readonly Action[] = []

/** Offers actions as long as the component is there. The list may be made anew with each drawing. */
export function useActions(actions: readonly Action[]): void {
  const owner = useId()
  useEffect(() => {
    set(owner, actions)
  }, [owner, actions])
  useEffect(() => () => set(owner, undefined), [owner])
}

/** Every action there is now. */
export function useAllActions(): readonly Action[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => all
  )
}

/** The action of a shortcut that was pressed. */
export function actionFor(event: Press): Action | undefined {
  return all.find(({ shortcut }) => shortcut !== undefined && isPressed(shortcut, event))
}

function set(owner: string, actions: readonly Action[] | undefined): void {
  if (actions === undefined) registered.delete(owner)
  else registered.set(owner, actions)
  const next = [...registered.values()].flat()
  if (isSame(next, all)) return
  all = next
  for (const listener of listeners) listener()
}

/** Actions are made anew with each drawing; what is not seen of them need not be drawn again, but must be called as it is now. */
function isSame(next: readonly Action[], before: readonly Action[]): boolean {
  return (
    next.length === before.length &&
    next.every((action, i) => {
      const other = before[i]
      if (other === undefined || action.id !== other.id || action.title !== other.title || action.group !== other.group) return false
      Object.assign(other, { run: action.run })
      return true
    })
  )
}
