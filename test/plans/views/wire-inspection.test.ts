import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanInspection } from '../../../server/plans/plan-engine.ts'
import { toWireInspection } from '../../../server/plans/views/wire-inspection.ts'
import { compensable, completed, failedPurchase, sent, shopPlan, start, takenBack } from './shop-plan.ts'

const options = { now: start + 5000, maxCompensationAttempts: 10 }
const inspect = (inspection: PlanInspection) => toWireInspection(inspection, options)
const taskOf = (inspection: PlanInspection, id: string) => inspect(inspection).tasks.find((task) => task.id === id) ?? assert.fail(id)

test('a plan that runs shows each task with its input, and how long all has taken', () => {
  const plan = shopPlan({}, [[1, sent('task1')]])
  const view = inspect(plan)
  assert.deepEqual([view.status, view.timestamp, view.duration], ['processing', '2026-11-24T11:59:59.000Z', 6_000_000_000])
  assert.deepEqual(
    view.tasks.map(({ id, status, serviceName, isRevertible }) => [id, status, serviceName, isRevertible]),
    [
      ['task1', 'processing', 'Stock', false],
      ['task10', 'pending', 'Price', true],
      ['task2', 'pending', 'Reserve', true],
      ['task3', 'pending', 'Pay', true]
    ]
  )
  assert.deepEqual(view.tasks[1]?.input, { item: 'chair', buyer: { name: 'Ada' } }, 'task0 is resolved')
  assert.deepEqual(view.tasks[3]?.input, { reservation: '$task2.id', price: '$task10.id' }, 'other references are not')
  assert.equal('results' in view, false)
})

test('a task’s history has every change of its status, and the last one is its status', () => {
  const task = taskOf(failedPurchase(), 'task3')
  assert.deepEqual(
    task.statusHistory.map(({ status, timestamp, error }) => [status, timestamp.slice(20), error]),
    [
      ['processing', '101Z', undefined],
      ['failed', '200Z', 'no answer within 0.1 s'],
      ['processing', '400Z', undefined],
      ['failed', '899Z', 'no money']
    ]
  )
  assert.deepEqual([task.status, task.error, task.duration], ['failed', 'no money', 798_000_000])
  assert.equal(new Set(task.statusHistory.map(({ id }) => id)).size, 4)
  assert.deepEqual(
    taskOf(failedPurchase(), 'task2').statusHistory.map(({ status }) => status),
    ['paused', 'processing', 'completed']
  )
})

test('outputs, interim results and the failure are shown', () => {
  const view = inspect(failedPurchase())
  assert.deepEqual(view.error, { id: 'o_shop', producer: 's_pay', error: 'no money' })
  assert.deepEqual(view.results, [null])
  assert.equal(view.duration, 1_900_000_000, 'until its end')
  const price = view.tasks[1]
  assert.deepEqual(price?.output, { id: 'task10-id' })
  assert.deepEqual(price.interimResults, [{ id: 'i_1', timestamp: '2026-11-24T12:00:00.020Z', data: { progress: 50 } }])
})

test('the taking back of a task is its own, whatever other ids begin like its', () => {
  const view = inspect(failedPurchase())
  const [stock, price, reserve, pay] = view.tasks
  assert.equal(stock?.compensation, undefined, 'task1 shows nothing of task10')
  assert.equal(pay?.compensation, undefined)
  assert.deepEqual(reserve?.compensation, { status: 'partial', attempt: 1, max_attempts: 10, timestamp: '2026-11-24T12:00:00.950Z' })
  assert.deepEqual(
    price?.compensationHistory?.map(({ taskId, status, attempt, error }) => [taskId, status, attempt, error]),
    [
      ['task10', 'processing', 1, undefined],
      ['task10', 'failed', 1, 'try later'],
      ['task10', 'processing', 2, undefined],
      ['task10', 'failed', 2, 'try later']
    ]
  )
})

test('what is still to be taken back is pending', () => {
  const plan = shopPlan({ status: 'failed', changedAt: start + 50 }, [
    [1, sent('task10')],
    [20, completed('task10', compensable)],
    [50, { type: 'plan-failed', failure: { code: 'deadline_exceeded', message: 'too late' } }]
  ])
  assert.deepEqual(taskOf(plan, 'task10').compensation, { status: 'pending', attempt: 0, max_attempts: 10, timestamp: '2026-11-24T12:00:00.050Z' })
  assert.equal(inspect(shopPlan({}, [[20, completed('task10', compensable)]])).tasks[1]?.compensation, undefined, 'nothing, while the plan runs')
  const late = shopPlan({ status: 'failed', changedAt: start + 10 }, [
    [1, sent('task10')],
    [10, { type: 'task-stopped', task: 'task10', reason: 'task1 failed' }],
    [20, { type: 'late-result', task: 'task10', executionId: 'e_task10_1', outcome: 'completed', output: {}, compensation: compensable }],
    [21, takenBack('task10')]
  ])
  assert.deepEqual([taskOf(late, 'task10').status, taskOf(late, 'task10').compensation?.status], ['cancelled', 'processing'])
})

test('an abort says who aborted, and what was said', () => {
  const aborted = shopPlan(
    {
      status: 'aborted',
      failure: { code: 'aborted', message: 'Stock aborted', task: 'task1', service: 's_stock' },
      abortPayload: { why: 'sold out' }
    },
    [
      [1, sent('task1')],
      [5, { type: 'task-aborted', task: 'task1', payload: { why: 'sold out' } }]
    ]
  )
  assert.deepEqual(inspect(aborted).abortInfo, { taskId: 'task1', serviceId: 's_stock', serviceName: 'Stock', payload: { why: 'sold out' } })
  assert.deepEqual([taskOf(aborted, 'task1').status, taskOf(aborted, 'task1').abortPayload], ['aborted', { why: 'sold out' }])
  const byPerson = shopPlan({ status: 'aborted', failure: { code: 'aborted', message: 'Ada aborted it' }, abortPayload: { reason: 'no need' } })
  assert.deepEqual(inspect(byPerson).abortInfo, { payload: { reason: 'no need' } })
})

test('a plan that is still being made, was never made or was cancelled shows its header only', () => {
  for (const given of [
    { status: 'pending', plan: null },
    { status: 'failed', plan: null },
    { status: 'not_actionable' },
    { status: 'cancelled' }
  ] as const) {
    assert.deepEqual(inspect(shopPlan(given)).tasks, [], given.status)
  }
})

test('an input is shown with its nested references, and one that leads nowhere as it stands', () => {
  const plan = shopPlan()
  const input = { list: ['$task0.item', { deep: '$TASK0.count' }], gone: '$task0.nothing', proto: '$task0.constructor', text: 'see $task0.item' }
  // The planner makes strings only; a view shows whatever stands there.
  Object.assign(plan.record.plan?.tasks[0] ?? {}, { input })
  assert.deepEqual(taskOf(plan, 'task1').input, {
    list: ['chair', { deep: 2 }],
    gone: '$task0.nothing',
    proto: '$task0.constructor',
    text: 'see $task0.item'
  })
})
