import assert from 'node:assert/strict'
import { z } from 'zod'
import { chooseEntries } from '../../../server/plans/cache/choose-entry.ts'
import type { Check } from '../run.ts'

const Scope = z.looseObject({ project: z.string().optional(), services_hash: z.string(), grounded: z.boolean() })
const Input = z.object({
  entries: z.array(Scope.extend({ id: z.string(), similarity: z.number(), age_ms: z.number(), mapped_action_fields: z.array(z.string()) })),
  query: Scope.extend({ param_fields: z.array(z.string()) })
})
const Expected = z.object({ hit: z.string().nullable(), removed: z.array(z.string()).optional() })
const oneDay = 24 * 60 * 60 * 1000

export const check: Check = (input, expected) => {
  const { entries, query } = Input.parse(input)
  const { hit, removed } = Expected.parse(expected)
  const candidates = entries.map((entry) => ({
    id: entry.id,
    scope: scopeOf(entry),
    similarity: entry.similarity,
    ageMs: entry.age_ms,
    fields: entry.mapped_action_fields
  }))
  const choice = chooseEntries(candidates, { scope: scopeOf(query), fields: query.param_fields }, oneDay)
  assert.equal(choice.hits[0] ?? null, hit)
  if (removed !== undefined) assert.deepEqual(choice.expired, removed)
}

function scopeOf({ project, services_hash, grounded }: z.infer<typeof Scope>): string {
  return JSON.stringify([project, services_hash, grounded])
}
