/** Waits after failures, one after another: a second, then twice as long each time, up to ten minutes, spread by ±20 %. */
const firstWaitMs = 1000
const mostWaitMs = 600_000
/** No wait is longer, jitter included. */
export const longestWaitMs = mostWaitMs * 1.2

/** Messages sent to a target at the same time: one while it is not known to answer. */
const mostAtOnce = 8
/** So many refusals without one acceptance, and the target itself is taken to be at fault, not what it was sent. */
const mostRefusals = 8

/**
 * Whether a target answers. A target that is away is asked by one message after a growing pause, not by every message that waits for it, so
 * that hours of absence cost next to nothing.
 */
export type TargetHealth = {
  /** Messages it may have in hand now. */
  readonly atOnce: number
  readonly isAway: boolean
  /** Milliseconds until it may be sent anything. */
  pauseMs(): number
  /** Milliseconds it has been away without a break; 0: it is not. */
  awayMs(): number
  /** Notes that something is sent, and returns what to give back with its end. */
  begin(): number
  /** True: it had been away. */
  accepted(): boolean
  /** It answered that it does not take this one. Returns how long that one is to wait. */
  refused(begun: number, attempts: number): number
  /** It did not answer, or not now. Returns how long to wait. */
  missed(begun: number, retryAfterMs: number): number
  /** Ends the pause. */
  retryNow(): void
}

/** `elapsed`: a clock in milliseconds that nobody sets. `random`: 0 … 1. */
export function createTargetHealth({ elapsed, random }: { elapsed: () => number; random: () => number }): TargetHealth {
  let failures = 0
  let refusals = 0
  let round = 0
  let awaySince: number | undefined
  let pausedUntil = 0
  const waitAfter = (count: number) => Math.round(Math.min(mostWaitMs, firstWaitMs * 2 ** Math.min(30, count - 1)) * (0.8 + 0.4 * random()))

  const missed = (begun: number, retryAfterMs: number): number => {
    // What was sent together fails together: that is one failure.
    if (begun === round) {
      round++
      failures++
      awaySince ??= elapsed()
      pausedUntil = elapsed() + Math.min(mostWaitMs, Math.max(waitAfter(failures), retryAfterMs))
    }
    return Math.max(0, pausedUntil - elapsed())
  }

  return {
    get atOnce() {
      return awaySince === undefined ? mostAtOnce : 1
    },
    get isAway() {
      return awaySince !== undefined
    },
    pauseMs: () => Math.max(0, pausedUntil - elapsed()),
    awayMs: () => (awaySince === undefined ? 0 : elapsed() - awaySince),
    begin: () => round,
    accepted() {
      const wasAway = awaySince !== undefined
      failures = 0
      refusals = 0
      awaySince = undefined
      pausedUntil = 0
      return wasAway
    },
    refused(begun, attempts) {
      refusals++
      if (refusals >= mostRefusals) return Math.max(missed(begun, 0), waitAfter(attempts))
      return waitAfter(attempts)
    },
    missed,
    retryNow() {
      pausedUntil = 0
    }
  }
}
