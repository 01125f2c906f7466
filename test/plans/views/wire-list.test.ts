import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanSummary } from '#contracts/plan-api.ts'
import { toWireList } from '../../../server/plans/views/wire-list.ts'

const at = Date.parse('2026-11-24T12:00:00Z')
const summary = (id: string, status: PlanSummary['status'], given: Partial<PlanSummary> = {}): PlanSummary => ({
  id,
  action: 'Echo',
  status,
  failure: null,
  createdAt: at,
  changedAt: at,
  compensation: null,
  ...given
})

test('plans are listed by how they stand, in the order given, without empty groups', () => {
  const list = toWireList([summary('o_3', 'completed'), summary('o_2', 'not_actionable'), summary('o_1', 'completed'), summary('o_0', 'cancelled')])
  assert.deepEqual(Object.keys(list), ['completed', 'notActionable', 'cancelled'])
  assert.deepEqual(
    list.completed?.map(({ id }) => id),
    ['o_3', 'o_1']
  )
  assert.deepEqual(list.completed?.[0], { id: 'o_3', action: 'Echo', status: 'completed', timestamp: '2026-11-24T12:00:00.000Z' })
})

test('what went wrong is an object where a task failed, and a sentence elsewhere', () => {
  const compensation = { active: true, total: 2, completed: 1, failed: 0 }
  const list = toWireList([
    summary('o_2', 'failed', { failure: { code: 'task_failed', message: 'no money', task: 'task3', service: 's_pay' }, compensation }),
    summary('o_1', 'failed', { failure: { code: 'planning_failed', message: 'no valid plan' } })
  ])
  assert.deepEqual(
    list.failed?.map(({ error }) => error),
    [{ id: 'o_2', producer: 's_pay', error: 'no money' }, 'no valid plan']
  )
  assert.deepEqual(list.failed?.[0]?.compensation, compensation)
})
