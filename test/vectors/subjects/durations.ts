import assert from 'node:assert/strict'
import { parseDuration } from '../../../server/plans/protocol/durations.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => {
  const ns = parseDuration(input)
  assert.deepEqual(ns === undefined ? { ok: false } : { ok: true, ns }, expected)
}
