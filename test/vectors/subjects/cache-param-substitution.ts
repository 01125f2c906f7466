import assert from 'node:assert/strict'
import { z } from 'zod'
import { ActionParameter, JsonObject, Plan } from '#contracts/plan.ts'
import type { FieldSource } from '../../../server/plans/cache/provenance.ts'
import { fillTaskZero } from '../../../server/plans/cache/substitution.ts'
import type { Check } from '../run.ts'

const Task = z.object({ id: z.string(), service: z.string().default(''), input: JsonObject.default({}) })
const Input = z.object({
  plan: z.object({ tasks: z.array(Task), parallel_groups: z.array(z.array(z.string())) }),
  original_task0_input: JsonObject,
  new_params: z.array(ActionParameter),
  mappings: z.array(z.object({ field: z.string(), actionField: z.string() }))
})
const Expected = z.object({ ok: z.boolean(), task0_input: JsonObject.optional(), reason: z.string().optional() })

export const check: Check = (input, expected) => {
  const { plan, new_params, mappings } = Input.parse(input)
  const { ok, task0_input, reason } = Expected.parse(expected)
  // Of our plans task0 is a part of its own; one that lacks it is none.
  const parsed = Plan.safeParse({
    taskZero: plan.tasks.find(({ id }) => id === 'task0')?.input,
    tasks: plan.tasks.filter(({ id }) => id !== 'task0').map((task) => ({ ...task, serviceVersion: 1, approval: false })),
    parallelGroups: plan.parallel_groups
  })
  if (!parsed.success) {
    assert.deepEqual(
      { ok: false, reason: parsed.error.issues.some(({ path }) => path[0] === 'taskZero') ? 'task0_absent' : 'no plan' },
      { ok, reason }
    )
    return
  }
  const sources = Object.fromEntries(
    mappings.map(({ field, actionField }): [string, FieldSource] => [field, { from: 'data', parameter: actionField }])
  )
  const filled = fillTaskZero(parsed.data.taskZero, sources, { data: new_params, texts: [] })
  const outcome = filled.ok
    ? { ok: true, task0_input: filled.taskZero, reason: undefined }
    : { ok: false, task0_input: undefined, reason: `missing_param:${filled.parameter}` }
  assert.deepEqual(outcome, { ok, task0_input, reason })
}
