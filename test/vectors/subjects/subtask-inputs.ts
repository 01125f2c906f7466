import assert from 'node:assert/strict'
import { z } from 'zod'
import type { SchemaNode } from '#contracts/plan.ts'
import { detailAfter } from '../../../server/plans/planning/finding.ts'
import { wordFinding } from '../../../server/plans/planning/finding-words.ts'
import { readPlanDraft } from '../../../server/plans/planning/plan-draft.ts'
import { findInputMismatches } from '../../../server/plans/planning/task-inputs.ts'
import type { Check } from '../run.ts'

const Input = z.object({
  services: z.array(z.object({ id: z.string(), input_properties: z.array(z.string()), required: z.array(z.string()).optional() })),
  tasks: z.array(z.unknown())
})
const Expected = z.object({ ok: z.boolean(), errors: z.array(z.record(z.string(), z.string())) })

export const check: Check = (input, expected) => {
  const { services, tasks } = Input.parse(input)
  const want = Expected.parse(expected)
  const read = readPlanDraft(JSON.stringify({ tasks }))
  assert.ok(read.ok)
  const found = read.draft.tasks.flatMap((task) => {
    const service = services.find(({ id }) => id.toLowerCase() === task.service)
    assert.ok(service, `${task.id} has a service of the case`)
    const properties = Object.fromEntries(service.input_properties.map((name): [string, SchemaNode] => [name, { type: 'string' }]))
    const { required } = service
    return findInputMismatches(task, { id: service.id, input: { type: 'object', properties, ...(required === undefined ? {} : { required }) } })
  })
  const errors = found.map((finding) => {
    assert.ok(finding.kind === 'missing_input' || finding.kind === 'unsupported_input')
    return { kind: finding.kind, task: finding.task, service: finding.service, input: finding.input }
  })
  const inOrder = (list: readonly object[]) => list.map((one) => JSON.stringify(Object.entries(one).sort())).sort()
  assert.equal(errors.length === 0, want.ok)
  assert.deepEqual(inOrder(errors), inOrder(want.errors))
  // As feedback: one line each.
  for (const finding of found) assert.ok(!wordFinding(finding, detailAfter(0), []).includes('\n'))
}
