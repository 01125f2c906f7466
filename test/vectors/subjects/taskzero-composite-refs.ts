import assert from 'node:assert/strict'
import { z } from 'zod'
import { findCompositeReferences } from '../../../server/plans/planning/composite-references.ts'
import { detailAfter } from '../../../server/plans/planning/finding.ts'
import { wordFinding } from '../../../server/plans/planning/finding-words.ts'
import { readPlanDraft } from '../../../server/plans/planning/plan-draft.ts'
import type { Check } from '../run.ts'

const Input = z.object({ plan: z.unknown(), retry_count: z.number() })
const Expected = z.object({
  ok: z.boolean(),
  status: z.string().optional(),
  retryable: z.boolean().optional(),
  invalid: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  detail_level: z.string().optional()
})

export const check: Check = (input, expected) => {
  const { plan, retry_count } = Input.parse(input)
  const want = Expected.parse(expected)
  const read = readPlanDraft(JSON.stringify(plan))
  assert.ok(read.ok)
  const found = findCompositeReferences(read.draft)
  assert.equal(found.length === 0, want.ok)
  if (want.status !== undefined) assert.equal(found.length === 0 ? 'continue' : 'failed', want.status)
  const invalid: Record<string, Record<string, unknown>> = {}
  for (const { task, input: name, form, refs, value } of found) invalid[task] = { ...invalid[task], [name]: { kind: form, refs, value } }
  assert.deepEqual(invalid, want.invalid ?? {})
  if (want.detail_level !== undefined) assert.equal(detailAfter(retry_count), want.detail_level)
  const messages = found.map((finding) => wordFinding(finding, detailAfter(retry_count), []))
  for (const [index, { task, input: name, refs, value }] of found.entries()) {
    const message = messages[index] ?? ''
    for (const part of [task, name, JSON.stringify(value), ...(retry_count > 0 ? [`exactly one reference, such as "${refs[0]}"`] : [])])
      assert.ok(message.includes(part), `${part} is in: ${message}`)
  }
}
