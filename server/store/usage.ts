import type { Receipt } from '#contracts/job.ts'
import type { Database } from './database.ts'
import { createUsageTotals, type UsageTotals } from './usage-totals.ts'

/** Sums over the requests of one key, model or UTC day. Means are over the requests that have the figure. */
export type UsageSummary = {
  /** Key id, model id, or `2026-01-31`. */
  group: string
  requests: number
  errors: number
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  reasoningTokens: number
  meanQueueMs: number
  meanTtftMs: number | null
}
export type UsageRow = Receipt & { id: number }
export type UsagePeriod = {
  /** Unix milliseconds, inclusive. */
  from?: number | undefined
  /** Unix milliseconds, exclusive. */
  to?: number | undefined
}

export type UsageStore = {
  /** Writes one row at once. Again with the same `jobId` changes nothing; returns whether it was the first time. */
  book(receipt: Receipt): boolean
  /** Those of one tick, in one transaction. Returns how many were new. */
  bookAll(receipts: Receipt[]): number
  /** Largest first; days oldest first. */
  summary(options: UsagePeriod & { by: 'key' | 'model' | 'day' }): UsageSummary[]
  /** Those of the period, newest first; `before` is the `id` of the last row of the page before. */
  rows(options: UsagePeriod & { limit: number; before?: number | undefined }): UsageRow[]
  /** What was booked since this process started, for `/metrics`. */
  totals(): UsageTotals
}

const groups = { key: 'client_id', model: 'model', day: "date(submitted_at / 1000, 'unixepoch')" } as const

export function createUsageStore(db: Database): UsageStore {
  const totals = createUsageTotals()
  // One row at once, in the same tick: 8–10 µs each, where batches would stall the event loop.
  const insert = db.prepare(`INSERT OR IGNORE INTO usage
    (job_id, request_id, kind, client_id, model, lane, submitted_at, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens,
     queue_ms, ttft_ms, total_ms, finish_reason, error_code)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const summarise = (by: keyof typeof groups) =>
    db.prepare<[number, number], UsageSummary>(`SELECT ${groups[by]} AS "group", count(*) AS requests,
      count(error_code) AS errors, sum(prompt_tokens) AS promptTokens, sum(cached_tokens) AS cachedTokens,
      sum(completion_tokens) AS completionTokens, sum(reasoning_tokens) AS reasoningTokens,
      avg(queue_ms) AS meanQueueMs, avg(ttft_ms) AS meanTtftMs
      FROM usage WHERE submitted_at >= ? AND submitted_at < ? GROUP BY 1
      ORDER BY ${by === 'day' ? '1' : 'sum(prompt_tokens + completion_tokens) DESC, 1'}`)
  const summaries = { key: summarise('key'), model: summarise('model'), day: summarise('day') }
  const page = db.prepare<[number, number, number, number], StoredRow>(
    // The plus keeps SQLite on the order of ids: a page is read from its end and stops when it is full.
    'SELECT * FROM usage WHERE id < ? AND +submitted_at >= ? AND +submitted_at < ? ORDER BY id DESC LIMIT ?'
  )

  const book = (receipt: Receipt): boolean => {
    const { usage } = receipt
    const { changes } = insert.run(
      receipt.jobId,
      receipt.requestId,
      receipt.kind,
      receipt.clientId,
      receipt.model,
      receipt.lane,
      Math.round(receipt.submittedAt),
      usage.promptTokens,
      usage.cachedTokens,
      usage.completionTokens,
      usage.reasoningTokens,
      receipt.queueMs,
      receipt.ttftMs,
      receipt.totalMs,
      receipt.finishReason,
      receipt.errorCode
    )
    if (changes === 0) return false
    totals.add(receipt)
    return true
  }
  const bookTogether = db.transaction((receipts: Receipt[]) => receipts.filter(book).length)

  return {
    book,
    bookAll: (receipts) => (receipts.length === 1 ? receipts.filter(book).length : bookTogether(receipts)),
    summary: ({ by, from = 0, to = Number.MAX_SAFE_INTEGER }) => summaries[by].all(from, to),
    rows: ({ limit, before = Number.MAX_SAFE_INTEGER, from = 0, to = Number.MAX_SAFE_INTEGER }) => page.all(before, from, to, limit).map(fromRow),
    totals: () => totals.read()
  }
}

type StoredRow = {
  id: number
  job_id: string
  request_id: string
  kind: Receipt['kind']
  client_id: string
  model: string
  lane: Receipt['lane']
  submitted_at: number
  prompt_tokens: number
  cached_tokens: number
  completion_tokens: number
  reasoning_tokens: number
  queue_ms: number
  ttft_ms: number | null
  total_ms: number
  finish_reason: Receipt['finishReason']
  error_code: Receipt['errorCode']
}

function fromRow(row: StoredRow): UsageRow {
  return {
    id: row.id,
    jobId: row.job_id,
    requestId: row.request_id,
    kind: row.kind,
    clientId: row.client_id,
    model: row.model,
    lane: row.lane,
    submittedAt: row.submitted_at,
    usage: {
      promptTokens: row.prompt_tokens,
      cachedTokens: row.cached_tokens,
      completionTokens: row.completion_tokens,
      reasoningTokens: row.reasoning_tokens
    },
    queueMs: row.queue_ms,
    ttftMs: row.ttft_ms,
    totalMs: row.total_ms,
    finishReason: row.finish_reason,
    errorCode: row.error_code
  }
}
