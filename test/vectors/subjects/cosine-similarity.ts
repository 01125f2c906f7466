import assert from 'node:assert/strict'
import { z } from 'zod'
import { cosineSimilarity } from '../../../server/plans/cache/similarity.ts'
import type { Check } from '../run.ts'

const Input = z.object({ a: z.array(z.number()), b: z.array(z.number()) })

export const check: Check = (input, expected) => {
  const { a, b } = Input.parse(input)
  const similarity = cosineSimilarity(a, b)
  assert.ok(Math.abs(similarity - z.number().parse(expected)) < 1e-9, `${similarity} instead of ${expected}`)
}
