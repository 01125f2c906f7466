import type { Change } from './http/services.ts'

/** Where the rooms say that something has changed, for whoever shows it live. */
export type Changes = {
  tell(change: Change): void
  /** Returns how to stop listening. */
  listen(listener: (change: Change) => void): () => void
}

export function createChanges(): Changes {
  const listeners = new Set<(change: Change) => void>()
  return {
    tell(change) {
      for (const listener of listeners) listener(change)
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
