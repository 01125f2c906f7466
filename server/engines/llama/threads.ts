/** One step as measured: tokens generated in it (one a stream) and prompt tokens evaluated beside them. */
export type StepSample = { ms: number; generated: number; promptTokens: number }

export type ThreadController = {
  /** Threads the next step should use. */
  current(): number
  record(step: StepSample): void
}

/** A step this much slower than the usual one of its size is no noise. */
const jump = 1.8
/** So many slow steps in a row, or a single one slower by `stall`, and threads are given up. */
const patience = 4
const stall = 8
/** Other numbers of threads must be faster by this to be kept. */
const gain = 1.05
/** Steps before fewer threads are tried, once: at the start, because the machine may have been busy all the time, and after giving up. */
const settling = 2
/** Steps of a trial. */
const trialSteps = 5
/** A trial whose size of step does not come again is given up after so many others. */
const patienceOfTrial = 50
/** Wait before more threads are tried again; doubles each time they were not worth it. */
const firstRetryMs = 10_000
const lastRetryMs = 60_000

type Trial = { from: number; generated: number; usual: number; samples: number[]; others: number }

/**
 * Decides by step times how many threads to use, at most `max`. Threads wait for each other several times in each layer, so one that the system
 * took from its core holds up all: on a busy machine fewer threads are faster, down to one, which waits for nobody. So when steps jump, half of the
 * threads are given up, and a short trial now and then shows whether they are worth having again.
 * `now` is milliseconds on any monotonic clock.
 */
export function createThreadController(max: number, now: () => number = () => performance.now()): ThreadController {
  let threads = Math.max(1, max)
  /** Usual milliseconds of a step with the present number of threads, by tokens generated in it. */
  let usual = new Map<number, number>()
  let seen = 0
  let slowInARow = 0
  let hasTriedFewer = false
  let retryMs = firstRetryMs
  let retryAt = Number.POSITIVE_INFINITY
  let trial: Trial | undefined

  function use(value: number) {
    threads = value
    usual = new Map()
    slowInARow = 0
  }

  function mayTryFewer() {
    seen = 0
    hasTriedFewer = false
  }

  function attempt(value: number, generated: number, usualMs: number) {
    const from = threads
    use(value)
    trial = { from, generated, usual: usualMs, samples: [], others: 0 }
  }

  function judge(current: Trial, { ms, generated }: StepSample) {
    if (generated !== current.generated) {
      if (++current.others > patienceOfTrial) settle(current, false)
      return
    }
    current.samples.push(ms)
    const isHopeless = threads > current.from && ms > current.usual * stall
    if (isHopeless || current.samples.length >= trialSteps) settle(current, !isHopeless && median(current.samples) * gain < current.usual)
  }

  function settle(current: Trial, isWorthIt: boolean) {
    const wasMore = threads > current.from
    trial = undefined
    if (!isWorthIt) use(current.from)
    else if (!wasMore) mayTryFewer()
    retryMs = wasMore && !isWorthIt ? Math.min(lastRetryMs, retryMs * 2) : firstRetryMs
    retryAt = threads < max ? now() + retryMs : Number.POSITIVE_INFINITY
  }

  return {
    current: () => threads,
    record(step) {
      const { ms, generated, promptTokens } = step
      // Steps with prompt tokens differ too much in size to be compared.
      if (max <= 1 || promptTokens > 0 || generated === 0) return
      if (trial !== undefined) return judge(trial, step)
      const before = usual.get(generated)
      if (before === undefined) {
        usual.set(generated, ms)
        seen++
        return
      }
      if (threads > 1 && ms > before * jump) {
        slowInARow++
        if (slowInARow < patience && ms <= before * stall) return
        use(Math.max(1, Math.floor(threads / 2)))
        mayTryFewer()
        retryAt = now() + retryMs
        return
      }
      slowInARow = 0
      const updated = before * 0.9 + ms * 0.1
      usual.set(generated, updated)
      if (!hasTriedFewer && threads > 1 && ++seen >= settling) {
        hasTriedFewer = true
        attempt(Math.max(1, Math.floor(threads / 2)), generated, updated)
      } else if (threads < max && now() >= retryAt) attempt(Math.min(max, threads * 2), generated, updated)
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
