import assert from 'node:assert/strict'
import type { Json } from '#contracts/plan.ts'
import { resultsOf } from '../../../server/plans/execution/advance.ts'
import { newPlanState } from '../../../server/plans/execution/state.ts'
import type { Check } from '../run.ts'

/** Tasks that do not use each other, in the order of the case, with their outputs. */
export const check: Check = (input, expected) => {
  const outputs = Object.entries(input as Record<string, Json>)
  const tasks = outputs.map(([id]) => ({ id, service: 's_x', serviceVersion: 1, input: {}, approval: false }))
  const state = newPlanState('o_x', { taskZero: {}, tasks, parallelGroups: [] })
  for (const [id, output] of outputs) {
    const entry = state.tasks.get(id)
    if (entry !== undefined) entry.output = output
  }
  assert.deepEqual(resultsOf(state), (expected as { results: Json[] }).results)
}
