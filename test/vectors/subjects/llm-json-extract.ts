import assert from 'node:assert/strict'
import { z } from 'zod'
import { findFencedJson } from '../../../server/plans/planning/answer-text.ts'
import type { Check } from '../run.ts'

export const check: Check = (input, expected) => {
  const found = findFencedJson(z.string().parse(input))
  assert.deepEqual(found.ok ? { ok: true, json_text: found.jsonText } : found, expected)
}
