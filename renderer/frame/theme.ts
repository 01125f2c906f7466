import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const storageKey = 'outpost.theme'
const listeners = new Set<() => void>()
let theme: Theme = 'system'

const isTheme = (text: string | null): text is Theme => text === 'system' || text === 'light' || text === 'dark'

/** What was chosen here before. To be called before anything is drawn. */
export function startTheme(): void {
  const kept = localStorage.getItem(storageKey)
  if (isTheme(kept)) apply(kept)
}

export function setTheme(next: Theme): void {
  localStorage.setItem(storageKey, next)
  apply(next)
  for (const listener of listeners) listener()
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => theme
  )
}

function apply(next: Theme): void {
  theme = next
  if (next === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = next
}
