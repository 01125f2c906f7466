import { type RefObject, useLayoutEffect, useRef } from 'react'

/** The element of a request, wherever it stands. */
export const elementIdOf = (jobId: string) => `request-${jobId}`

/**
 * A request that goes from its line into a slot is drawn anew, and one that ended is gone: the focus on it follows, or goes to `home`.
 * Returns what tells it where the focus is.
 */
export function useKeptFocus(home: RefObject<HTMLElement | null>, drawn: unknown): (jobId: string | undefined) => void {
  const focused = useRef<string>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at whenever something was drawn anew.
  useLayoutEffect(() => {
    if (focused.current === undefined || document.activeElement !== document.body) return
    const again = document.getElementById(elementIdOf(focused.current))
    if (again !== null) again.focus({ preventScroll: true })
    else {
      focused.current = undefined
      home.current?.focus({ preventScroll: true })
    }
  }, [drawn])
  return (jobId) => {
    focused.current = jobId
  }
}
