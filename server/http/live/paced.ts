/** Calls `act` soon after `ask`, and at most once in so many milliseconds, however often it is asked. */
export function paced(act: () => void, everyMs: number): { ask(): void; stop(): void } {
  let lastAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  return {
    ask() {
      if (timer !== undefined) return
      timer = setTimeout(
        () => {
          timer = undefined
          lastAt = performance.now()
          act()
        },
        Math.max(0, lastAt + everyMs - performance.now())
      )
      timer.unref()
    },
    stop() {
      clearTimeout(timer)
      timer = undefined
    }
  }
}
