import assert from 'node:assert/strict'
import { z } from 'zod'
import { JsonObject } from '#contracts/plan.ts'
import { toPddl } from '../../../server/plans/grounding/pddl.ts'
import type { Check } from '../run.ts'

const Task = z.object({ id: z.string(), service: z.string().default(''), input: JsonObject.default({}) })
const Input = z.object({
  kind: z.enum(['domain', 'problem', 'should_generate']),
  project_id: z.string().default('project'),
  grounding_hit: z.looseObject({ domain: z.string() }).nullable(),
  tasks: z.array(Task).default([])
})
const Expected = z.union([
  z.boolean(),
  z.object({
    ok: z.boolean(),
    reason: z.string().optional(),
    contains: z.array(z.string()).default([]),
    not_contains: z.array(z.string()).default([]),
    balanced_parentheses: z.boolean().default(true)
  })
])

export const check: Check = (input, expected) => {
  const { kind, project_id, grounding_hit, tasks } = Input.parse(input)
  const plan = {
    taskZero: tasks.find(({ id }) => id === 'task0')?.input ?? {},
    tasks: tasks
      .filter(({ id }) => id !== 'task0')
      .map((task) => ({ ...task, input: z.record(z.string(), z.string()).parse(task.input), serviceVersion: 1, approval: false })),
    parallelGroups: []
  }
  const pddl = toPddl({ projectId: project_id, domain: grounding_hit?.domain, plan })
  const wanted = Expected.parse(expected)
  if (typeof wanted === 'boolean') {
    assert.equal(pddl !== undefined, wanted)
    return
  }
  assert.deepEqual({ ok: pddl !== undefined, reason: pddl === undefined ? 'no_grounding' : undefined }, { ok: wanted.ok, reason: wanted.reason })
  if (pddl === undefined) return
  const text = kind === 'domain' ? pddl.domain : pddl.problem
  for (const part of wanted.contains) assert.ok(text.includes(part), `${part} is not in:\n${text}`)
  for (const part of wanted.not_contains) assert.ok(!text.includes(part), `${part} is in:\n${text}`)
  assert.equal(text.split('(').length === text.split(')').length, wanted.balanced_parentheses)
}
