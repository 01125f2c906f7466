import type { Receipt } from '#contracts/job.ts'

/** Upper bounds of the time-to-first-token histogram, milliseconds. */
export const ttftBounds = [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000] as const

export type ModelTotals = {
  model: string
  /** Ended jobs by outcome: a finish reason or an error code. */
  jobs: Record<string, number>
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  /** `counts[i]` requests took at most `ttftBounds[i]` (and more than the bound before); the last entry counts the rest. */
  ttft: { counts: number[]; sum: number; count: number }
}
export type UsageTotals = ModelTotals[]

/** Running sums in memory, so that reading the metrics never scans the table. */
export function createUsageTotals(): { add(receipt: Receipt): void; read(): UsageTotals } {
  const models = new Map<string, ModelTotals>()
  return {
    add(receipt) {
      let entry = models.get(receipt.model)
      if (entry === undefined) {
        entry = { model: receipt.model, jobs: {}, promptTokens: 0, cachedTokens: 0, completionTokens: 0, ttft: emptyHistogram() }
        models.set(receipt.model, entry)
      }
      const outcome = receipt.errorCode ?? receipt.finishReason ?? 'stop'
      entry.jobs[outcome] = (entry.jobs[outcome] ?? 0) + 1
      entry.promptTokens += receipt.usage.promptTokens
      entry.cachedTokens += receipt.usage.cachedTokens
      entry.completionTokens += receipt.usage.completionTokens
      if (receipt.ttftMs !== null) observe(entry.ttft, receipt.ttftMs)
    },
    read: () => [...models.values()]
  }
}

function emptyHistogram(): ModelTotals['ttft'] {
  return { counts: new Array<number>(ttftBounds.length + 1).fill(0), sum: 0, count: 0 }
}

function observe(histogram: ModelTotals['ttft'], ms: number): void {
  const found = ttftBounds.findIndex((bound) => ms <= bound)
  const bucket = found === -1 ? ttftBounds.length : found
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1
  histogram.sum += ms
  histogram.count += 1
}
