import type { Clock } from '../../../server/plans/webhooks/clock.ts'

export type FakeClock = Clock & {
  /** Resolves when somebody waits for a time. */
  timerSet(): Promise<void>
  /** Goes on to the next time that somebody waits for, and lets it come. Returns the milliseconds that took. */
  toNextTimer(): number
  /** Lets somebody set the clock, to so much later or earlier. */
  setBy(milliseconds: number): void
}

/** Time that passes only when the test says so. */
export function createFakeClock(): FakeClock {
  let now = Date.parse('2026-11-24T12:00:00Z')
  let elapsed = 0
  const timers = new Set<{ at: number; callback: () => void }>()
  let waiters: (() => void)[] = []
  return {
    now: () => now,
    elapsed: () => elapsed,
    after(milliseconds, callback) {
      const timer = { at: elapsed + milliseconds, callback }
      timers.add(timer)
      for (const resolve of waiters) resolve()
      waiters = []
      return () => void timers.delete(timer)
    },
    timerSet: () => (timers.size > 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
    toNextTimer() {
      const [next] = [...timers].sort((one, other) => one.at - other.at)
      if (next === undefined) throw new Error('nobody waits for a time')
      timers.delete(next)
      const passed = next.at - elapsed
      elapsed += passed
      now += passed
      next.callback()
      return passed
    },
    setBy(milliseconds) {
      now += milliseconds
    }
  }
}
