import assert from 'node:assert/strict'
import type { Json, PlanStatus } from '#contracts/plan.ts'
import { compensationAttemptFailed, mostCompensationAttempts } from '../../../server/plans/execution/advance.ts'
import { compensationContext, isCompensated, nextCompensation, toCompensationOutcome } from '../../../server/plans/execution/compensation.ts'
import { applyEvent, newPlanState, type PlanState } from '../../../server/plans/execution/state.ts'
import type { Check } from '../run.ts'

type Input =
  | { kind: 'order'; stored_for: string[] }
  | { kind: 'trigger'; orchestration_status: PlanStatus }
  | { kind: 'result_log_type'; result: Json }
  | { kind: 'sequence'; candidates: string[] }
  | { kind: 'context'; orchestration_status: PlanStatus }

const facts = { wall: 0, random: () => 0.5 }

export const check: Check = (raw, expected) => {
  const input = raw as Input
  switch (input.kind) {
    case 'order': {
      const state = stateWith(input.stored_for)
      const order: string[] = []
      for (let next = nextCompensation(state); next !== undefined; next = nextCompensation(state)) {
        order.push(next.task.id)
        applyEvent(state, { type: 'compensation-completed', task: next.task.id, at: 0 }, 0, 1)
      }
      return assert.deepEqual(order, expected)
    }
    case 'trigger':
      return assert.equal(isCompensated(input.orchestration_status), expected)
    case 'result_log_type':
      return assert.equal(
        `compensation_${toCompensationOutcome(input.result).type.replace('completed', 'complete').replace('failed', 'failure')}`,
        expected
      )
    case 'sequence': {
      const fates = new Map(input.candidates.map((text) => text.split(' ') as [string, string]))
      const state = stateWith([...fates.keys()].reverse())
      const outcome: Record<string, string> = {}
      for (let next = nextCompensation(state); next !== undefined; next = nextCompensation(state)) {
        const task = next.task.id
        if (fates.get(task) === 'ok') {
          applyEvent(state, { type: 'compensation-completed', task, at: 0 }, 0, 1)
          outcome[task] = 'compensation_complete'
        } else {
          const failed = compensationAttemptFailed(task, mostCompensationAttempts - 1, 'broken', facts)
          assert.ok(failed.type === 'compensation-attempt-failed' && failed.retryAt === undefined, 'the last attempt has no successor')
          applyEvent(state, { type: 'compensation-failed', task, error: 'broken', attempts: mostCompensationAttempts, at: 0 }, 0, 1)
          outcome[task] = 'compensation_failure'
        }
      }
      return assert.deepEqual(outcome, expected)
    }
    case 'context': {
      const want = expected as { reason: string; fields: string[] }
      const state = stateWith(['task1'])
      const failure = { code: 'aborted' as const, message: 'x' }
      if (input.orchestration_status === 'aborted') applyEvent(state, { type: 'plan-aborted', failure, payload: { why: 1 }, at: 0 }, 5, 1)
      else applyEvent(state, { type: 'plan-failed', failure, at: 0 }, 5, 1)
      const context = compensationContext(state)
      assert.equal(context.reason, want.reason)
      assert.deepEqual(new Set(Object.keys(context)), new Set(want.fields))
      if (input.orchestration_status === 'aborted') assert.deepEqual(context.payload, { why: 1 })
    }
  }
}

/** A plan of which these tasks were done in this order, each with something to take back. */
function stateWith(ids: string[]): PlanState {
  const tasks = ids.map((id) => ({ id, service: 's_x', serviceVersion: 1, input: {}, approval: false }))
  const state = newPlanState('o_x', { taskZero: {}, tasks, parallelGroups: [] })
  for (const task of ids) applyEvent(state, { type: 'task-completed', task, output: {}, compensation: { data: task, ttlMs: 1000 }, at: 0 }, 0, 1)
  return state
}
