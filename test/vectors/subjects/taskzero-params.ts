import assert from 'node:assert/strict'
import { z } from 'zod'
import { detailAfter } from '../../../server/plans/planning/finding.ts'
import { wordFinding } from '../../../server/plans/planning/finding-words.ts'
import { readPlanDraft } from '../../../server/plans/planning/plan-draft.ts'
import { findMissingParameters } from '../../../server/plans/planning/task-zero-parameters.ts'
import type { Check } from '../run.ts'

const Input = z.object({ plan: z.unknown(), action_params: z.array(z.object({ field: z.string() })), retry_count: z.number() })
const Expected = z.object({
  ok: z.boolean(),
  status: z.string().optional(),
  retryable: z.boolean().optional(),
  reason: z.string().optional(),
  missing: z.array(z.string()).optional(),
  embedded: z.record(z.string(), z.array(z.string())).optional(),
  detail_level: z.string().optional(),
  must_name_services: z.array(z.string()).optional()
})

export const check: Check = (input, expected) => {
  const { plan, action_params, retry_count } = Input.parse(input)
  const want = Expected.parse(expected)
  const read = readPlanDraft(JSON.stringify(plan))
  assert.ok(read.ok)
  const found = findMissingParameters(read.draft, action_params)
  if (found === 'task0_absent') {
    assert.equal(want.ok, false)
    assert.deepEqual({ reason: want.reason, retryable: want.retryable }, { reason: 'task0_absent', retryable: false })
    return
  }
  const missing = found.map(({ parameter }) => parameter)
  assert.equal(found.length === 0, want.ok)
  assert.deepEqual(missing, want.missing ?? [])
  if (want.status !== undefined) assert.equal(found.length === 0 ? 'continue' : 'failed', want.status)
  if (want.embedded !== undefined) assert.deepEqual(embeddedOf(found), want.embedded)
  if (want.detail_level !== undefined) assert.equal(detailAfter(retry_count), want.detail_level)
  const message = found.map((finding) => wordFinding(finding, detailAfter(retry_count), [])).join('\n')
  for (const name of missing) assert.ok(message.includes(name), `${name} is in: ${message}`)
  for (const { embeddedIn } of found) assert.ok(message.includes(embeddedIn.length > 0 ? 'embedded' : 'absent'), message)
  for (const id of want.must_name_services ?? []) assert.ok(message.includes(id), `${id} is in: ${message}`)
  if (want.detail_level === 'developer_diagnostic') for (const fix of ['extend the input schema', 'drop']) assert.ok(message.includes(fix), message)
}

function embeddedOf(found: { parameter: string; embeddedIn: string[] }[]): Record<string, string[]> {
  const embedded: Record<string, string[]> = {}
  for (const { parameter, embeddedIn } of found) for (const field of embeddedIn) embedded[field] = [...(embedded[field] ?? []), parameter]
  return embedded
}
