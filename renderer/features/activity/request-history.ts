import type { UsageReply } from '#contracts/api.ts'

/** A request that has ended: what it cost, never what it said. */
export type PastRequest = UsageReply['rows'][number]

export const outcomeNames = ['all', 'done', 'cancelled', 'failed'] as const
export type Outcome = (typeof outcomeNames)[number]

/** What of the fetched requests is to be seen; an empty name means every one. */
export type HistoryFilter = { outcome: Outcome; model: string; client: string }
export const everything: HistoryFilter = { outcome: 'all', model: '', client: '' }

/** How a request ended. A reader who leaves cancels: that is no failure. */
export function outcomeOf({ errorCode, finishReason }: PastRequest): Exclude<Outcome, 'all'> {
  if (finishReason === 'cancelled' || errorCode === 'cancelled' || errorCode === 'client_gone') return 'cancelled'
  return errorCode === null ? 'done' : 'failed'
}

export function filterHistory(rows: readonly PastRequest[], { outcome, model, client }: HistoryFilter): PastRequest[] {
  return rows.filter(
    (row) => (outcome === 'all' || outcomeOf(row) === outcome) && (model === '' || row.model === model) && (client === '' || row.clientId === client)
  )
}

/** A stretch of a request's life, in milliseconds since it was sent. `work`: no token marks where reading ended and writing began. */
export type Stretch = { name: 'queued' | 'prompt' | 'tokens' | 'work'; from: number; to: number }

/** From the line to the end, without gaps; stretches of no length are left out. */
export function stretchesOf({ queueMs, ttftMs, totalMs }: Pick<PastRequest, 'queueMs' | 'ttftMs' | 'totalMs'>): Stretch[] {
  const queued = Math.min(queueMs, totalMs)
  const all: Stretch[] = [{ name: 'queued', from: 0, to: queued }]
  if (ttftMs === null) all.push({ name: 'work', from: queued, to: totalMs })
  else {
    const first = Math.min(Math.max(ttftMs, queued), totalMs)
    all.push({ name: 'prompt', from: queued, to: first }, { name: 'tokens', from: first, to: totalMs })
  }
  return all.filter(({ from, to }) => to > from)
}

/** Tokens a second after the first; null where there are too few to tell. */
export function rateOf({ usage, ttftMs, totalMs }: Pick<PastRequest, 'usage' | 'ttftMs' | 'totalMs'>): number | null {
  if (ttftMs === null || usage.completionTokens < 2 || totalMs <= ttftMs) return null
  return ((usage.completionTokens - 1) / (totalMs - ttftMs)) * 1000
}

/** The one in the middle; null of none. */
export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}
