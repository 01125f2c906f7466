import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRateLimit, spend } from '../../../server/models/pull/rate-limit.ts'

test('what is over the budget waits, until it may be spent or nobody wants it any more', async () => {
  const limit = createRateLimit(1000)
  const stop = new AbortController()
  await spend([limit], 10, stop.signal)
  const waiting = spend([createRateLimit(1e9), limit], 3_600_000, stop.signal)
  stop.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
})

test('threads that hold the same budget share it', () => {
  const limit = createRateLimit(1000)
  const other = structuredClone(limit)
  void spend([other], 5_000_000, AbortSignal.abort()).catch(() => {})
  const spentFor = Number(limit.spentUntil[0] ?? 0n) / 1e9 - Number(process.hrtime.bigint()) / 1e9
  assert.ok(spentFor > 4000, `${spentFor} s are spent`)
})
