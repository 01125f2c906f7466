import { ApiError } from '../api.ts'

export type Toast = {
  id: number
  text: string
  /** Stays until it is read and closed. */
  error?: ApiError
  action?: { label: string; run: () => void }
}

const shownMs = 6000
let toasts: readonly Toast[] = []
let last = 0
const listeners = new Set<() => void>()

/** A line that something was done, which goes by itself; with `action`, how to take it back. */
export function showToast(text: string, action?: Toast['action']): void {
  const toast: Toast = { id: ++last, text, ...(action === undefined ? {} : { action }) }
  set([...toasts, toast])
  setTimeout(() => closeToast(toast.id), action === undefined ? shownMs : shownMs * 2)
}

/** What went wrong: `text` says what for the user, the error why and its code. It stays until it is closed; the same again replaces it. */
export function showError(text: string, cause: unknown): void {
  const error = cause instanceof ApiError ? cause : new ApiError('internal_error', cause instanceof Error ? cause.message : String(cause))
  set([...toasts.filter((toast) => toast.text !== text || toast.error?.code !== error.code), { id: ++last, text, error }])
}

export function closeToast(id: number): void {
  set(toasts.filter((toast) => toast.id !== id))
}

export const toastStore = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  read: (): readonly Toast[] => toasts
}

function set(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}
