/** One step as measured: tokens generated in it (one a stream) and prompt tokens evaluated beside them. */
export type StepSample = { ms: number; generated: number; promptTokens: number }

export type ThreadController = {
  /** Threads the next step should use. */
  current(): number
  record(step: StepSample): void
}

/** A step this much slower than the usual one for its size is no noise. */
const jump = 1.8
/** So many slow steps in a row, or one that is slower by `stall`, and threads are given up. */
const patience = 4
const stall = 8
/** Wait before threads are tried again; doubles each time they were not worth it. */
const firstRetryMs = 2_000
const lastRetryMs = 60_000
/** Steps that a trial with more threads lasts. */
const trialSteps = 4

/**
 * Decides by step times how many threads to use, at most `max`. Threads wait for each other several times in each layer, so one that the system
 * took from its core holds up all: on a busy machine fewer threads are faster, down to 1, which waits for nobody. So when steps jump, half of the
 * threads are given up; later a short trial shows whether they are worth having again.
 * `now` is milliseconds on any monotonic clock.
 */
export function createThreadController(max: number, now: () => number = () => performance.now()): ThreadController {
  let threads = Math.max(1, max)
  /** Usual milliseconds by threads and size of the step. */
  const usual = new Map<string, number>()
  let slowSteps = 0
  let retryMs = firstRetryMs
  let retryAt = Number.POSITIVE_INFINITY
  let trial: { from: number; key: string; usualBefore: number; total: number; steps: number } | undefined

  function setThreads(value: number) {
    threads = value
    slowSteps = 0
  }

  function giveUp() {
    setThreads(Math.max(1, Math.floor(threads / 2)))
    retryAt = now() + retryMs
  }

  function endTrial(isWorthIt: boolean, from: number) {
    trial = undefined
    if (isWorthIt) {
      retryMs = firstRetryMs
      retryAt = threads < max ? now() + retryMs : Number.POSITIVE_INFINITY
    } else {
      setThreads(from)
      retryMs = Math.min(lastRetryMs, retryMs * 2)
      retryAt = now() + retryMs
    }
  }

  return {
    current: () => threads,
    record({ ms, generated, promptTokens }) {
      // Prompt steps differ too much in size to compare.
      if (max === 1 || promptTokens > 0 || generated === 0) return
      const size = String(generated)
      const key = `${threads}/${size}`
      if (trial !== undefined) {
        if (size !== trial.key) return
        trial.total += ms
        trial.steps++
        if (ms > trial.usualBefore * stall) return endTrial(false, trial.from)
        if (trial.steps < trialSteps) return
        const mean = trial.total / trial.steps
        const isWorthIt = mean < trial.usualBefore
        // What is usual with this many threads is learnt anew: the machine is not what it was.
        if (isWorthIt) usual.set(key, mean)
        return endTrial(isWorthIt, trial.from)
      }
      const before = usual.get(key)
      if (before === undefined) {
        usual.set(key, ms)
        return
      }
      if (threads > 1 && ms > before * jump) {
        slowSteps++
        if (slowSteps >= patience || ms > before * stall) giveUp()
        return
      }
      slowSteps = 0
      usual.set(key, before * 0.9 + ms * 0.1)
      if (now() >= retryAt) {
        trial = { from: threads, key: size, usualBefore: usual.get(key) ?? ms, total: 0, steps: 0 }
        setThreads(Math.min(max, threads * 2))
      }
    }
  }
}
