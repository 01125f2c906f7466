import assert from 'node:assert/strict'
import { z } from 'zod'
import { hoistLiterals } from '../../../server/plans/planning/hoist-literals.ts'
import { readPlanDraft } from '../../../server/plans/planning/plan-draft.ts'
import { isTaskZero } from '../../../server/plans/protocol/reference.ts'
import type { Check } from '../run.ts'

const Expected = z.object({ task0_input: z.unknown(), task_inputs: z.unknown(), parallel_groups: z.unknown() })

export const check: Check = (input, expected) => {
  const want = Expected.parse(expected)
  const read = readPlanDraft(JSON.stringify(input))
  assert.ok(read.ok)
  const { tasks, parallelGroups } = read.draft
  const hoisted = hoistLiterals(
    tasks.find(({ id }) => isTaskZero(id))?.input ?? {},
    tasks.filter(({ id }) => !isTaskZero(id))
  )
  assert.deepEqual(hoisted.taskZero, want.task0_input)
  assert.deepEqual(Object.fromEntries(hoisted.tasks.map((task) => [task.id, task.input])), want.task_inputs)
  if (want.parallel_groups !== undefined) assert.deepEqual(parallelGroups, want.parallel_groups)
}
