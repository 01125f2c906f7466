import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summariseCompensation } from '../../../server/plans/views/compensation-story.ts'
import { compensable, completed, failedPurchase, shopPlan, start, takenBack } from './shop-plan.ts'

test('the summary counts all revertible tasks, what was taken back in part as done, and what was not', () => {
  assert.deepEqual(summariseCompensation(failedPurchase()), { active: false, total: 3, completed: 1, failed: 1 })
})

test('taking back goes on until each task has come to an end of it', () => {
  const log: [number, Record<string, unknown>][] = [
    [1, completed('task10', compensable)],
    [2, completed('task2', compensable)],
    [4, takenBack('task2')],
    [5, { type: 'compensation-completed', task: 'task2' }]
  ]
  const failed = { status: 'failed' as const, changedAt: start + 3 }
  assert.deepEqual(summariseCompensation(shopPlan(failed, log)), { active: true, total: 3, completed: 1, failed: 0 })
  log.push([6, takenBack('task10')], [7, { type: 'compensation-expired', task: 'task10', error: 'too late', attempts: 1 }])
  assert.deepEqual(summariseCompensation(shopPlan(failed, log)), { active: false, total: 3, completed: 1, failed: 1 })
})

test('there is nothing to take back of a plan that goes on, ended well, was never made, or cannot be reverted', () => {
  const log: [number, Record<string, unknown>][] = [[1, completed('task10', compensable)]]
  assert.equal(summariseCompensation(shopPlan({}, log)), null)
  assert.equal(summariseCompensation(shopPlan({ status: 'completed' }, log)), null)
  assert.equal(summariseCompensation(shopPlan({ status: 'failed', plan: null })), null)
  const plan = shopPlan({ status: 'failed' }, log)
  assert.equal(summariseCompensation({ ...plan, services: plan.services.map((service) => ({ ...service, revertible: false })) }), null)
})
