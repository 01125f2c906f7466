import assert from 'node:assert/strict'
import { z } from 'zod'
import { checkCoverage, coverageFinding } from '../../../server/plans/grounding/coverage.ts'
import type { Check } from '../run.ts'

const Input = z.object({
  required: z.array(z.string()),
  service_capabilities: z.array(z.string()),
  match: z.union([z.literal('all'), z.literal('none'), z.array(z.string())])
})
const Expected = z.object({
  ok: z.boolean(),
  coverage: z.number().optional(),
  unmatched: z.array(z.string()).optional(),
  upstream_message_contains: z.string().optional()
})

export const check: Check = (input, expected) => {
  const { required, service_capabilities, match } = Input.parse(input)
  const wanted = Expected.parse(expected)
  const matches = (capability: string) => match === 'all' || (match !== 'none' && match.includes(capability))
  const found = checkCoverage(required, service_capabilities, matches)
  assert.equal(found.ok, wanted.ok)
  if (wanted.coverage !== undefined) assert.ok(Math.abs(found.coverage - wanted.coverage) < 1e-6, `${found.coverage} instead of ${wanted.coverage}`)
  if (wanted.unmatched !== undefined) assert.deepEqual(found.unmatched, wanted.unmatched)
  if (wanted.upstream_message_contains !== undefined) assert.ok(coverageFinding(found, required).includes(wanted.upstream_message_contains))
}
