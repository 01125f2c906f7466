import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Receipt } from '#contracts/job.ts'
import { openDatabase } from '../../server/store/database.ts'
import { createUsageStore } from '../../server/store/usage.ts'

const receipt = (changes: Partial<Receipt> = {}): Receipt => ({
  jobId: 'job-1',
  requestId: 'req-1',
  kind: 'chat',
  clientId: 'key-a',
  model: 'small',
  lane: 'normal',
  submittedAt: Date.UTC(2026, 0, 31, 12),
  usage: { promptTokens: 10, cachedTokens: 4, completionTokens: 5, reasoningTokens: 1 },
  queueMs: 2,
  ttftMs: 40,
  totalMs: 100,
  finishReason: 'stop',
  errorCode: null,
  ...changes
})

test('a receipt is booked once, however often it comes', () => {
  const usage = createUsageStore(openDatabase(':memory:'))
  assert.equal(usage.book(receipt()), true)
  assert.equal(usage.book(receipt()), false)
  assert.deepEqual(usage.rows({ limit: 10 }), [{ id: 1, ...receipt() }])
})

test('usage is summed by key, model and day, within a period', () => {
  const usage = createUsageStore(openDatabase(':memory:'))
  usage.book(receipt())
  usage.book(receipt({ jobId: 'job-2', clientId: 'key-b', ttftMs: null, errorCode: 'worker_lost', finishReason: null }))
  usage.book(receipt({ jobId: 'job-3', model: 'large', submittedAt: Date.UTC(2026, 1, 1), usage: { ...receipt().usage, promptTokens: 100 } }))
  const [largest] = usage.summary({ by: 'key' })
  assert.deepEqual(largest, {
    group: 'key-a',
    requests: 2,
    errors: 0,
    promptTokens: 110,
    cachedTokens: 8,
    completionTokens: 10,
    reasoningTokens: 2,
    meanQueueMs: 2,
    meanTtftMs: 40
  })
  assert.deepEqual(
    usage.summary({ by: 'day' }).map(({ group, requests, errors }) => ({ group, requests, errors })),
    [
      { group: '2026-01-31', requests: 2, errors: 1 },
      { group: '2026-02-01', requests: 1, errors: 0 }
    ]
  )
  assert.deepEqual(
    usage.summary({ by: 'model', from: Date.UTC(2026, 1, 1) }).map(({ group }) => group),
    ['large']
  )
})

test('rows are paged newest first', () => {
  const usage = createUsageStore(openDatabase(':memory:'))
  for (let i = 1; i <= 5; i++) usage.book(receipt({ jobId: `job-${i}` }))
  const first = usage.rows({ limit: 2 })
  assert.deepEqual(
    first.map(({ jobId }) => jobId),
    ['job-5', 'job-4']
  )
  assert.deepEqual(
    usage.rows({ limit: 2, before: first.at(-1)?.id }).map(({ jobId }) => jobId),
    ['job-3', 'job-2']
  )
})

test('running totals count outcomes and time to first token', () => {
  const usage = createUsageStore(openDatabase(':memory:'))
  usage.book(receipt())
  usage.book(receipt())
  usage.book(receipt({ jobId: 'job-2', ttftMs: 90_000, errorCode: 'worker_lost', finishReason: null }))
  const [small] = usage.totals()
  assert.deepEqual(small?.jobs, { stop: 1, worker_lost: 1 })
  assert.equal(small?.promptTokens, 20)
  assert.deepEqual(small?.ttft.counts, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
})

test('rows of a period are paged within it', () => {
  const usage = createUsageStore(openDatabase(':memory:'))
  for (let i = 1; i <= 4; i++) usage.book(receipt({ jobId: `job-${i}`, submittedAt: i * 1000 }))
  const ids = (options: { limit: number; before?: number }) => usage.rows({ ...options, from: 2000, to: 4000 }).map(({ id }) => id)
  assert.deepEqual(ids({ limit: 1 }), [3])
  assert.deepEqual(ids({ limit: 5, before: 3 }), [2])
})
