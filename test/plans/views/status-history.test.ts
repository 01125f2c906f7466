import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventsByTask } from '../../../server/plans/views/plan-parts.ts'
import { statusHistory } from '../../../server/plans/views/status-history.ts'
import { completed, logOf, sent } from './shop-plan.ts'

function statusesOf(...log: [ms: number, event: Record<string, unknown>][]) {
  return statusHistory(eventsByTask(logOf(log)).get('task1') ?? []).map(({ status }) => status)
}
const accepted = { type: 'task-accepted', task: 'task1', executionId: 'e' }
const paused = { type: 'task-paused', task: 'task1', id: 'pause', reason: 'away' }

test('that a service works on a task is said once, at its sending', () => {
  assert.deepEqual(statusesOf([1, sent('task1')], [3, accepted], [9, completed('task1')]), ['processing', 'completed'])
  assert.deepEqual(statusesOf([1, sent('task1')], [2, paused], [3, accepted]), ['processing', 'paused', 'processing'], 'and again after a pause')
})

test('the same status at the same instant is kept once, and at another instant again', () => {
  assert.deepEqual(statusesOf([1, sent('task1')], [1, sent('task1', 2)]), ['processing'])
  assert.deepEqual(statusesOf([1, sent('task1')], [2, sent('task1', 2)]), ['processing', 'processing'])
})

test('waiting for a person is a pause', () => {
  const decided = { type: 'approval-decided', task: 'task1', approved: true, by: 'Ada' }
  assert.deepEqual(statusesOf([1, { type: 'approval-requested', task: 'task1' }], [5, decided], [6, sent('task1')]), ['paused', 'processing'])
})
