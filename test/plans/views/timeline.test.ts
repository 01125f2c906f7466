import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlanTimeline } from '#contracts/plan-views.ts'
import { toTimeline } from '../../../server/plans/views/timeline.ts'
import { completed, failedPurchase, sent, shopPlan, start } from './shop-plan.ts'

test('a timeline tells for each task when it could begin, who had it when, and what it waited for', () => {
  const timeline = PlanTimeline.parse(toTimeline(failedPurchase(), start + 5000))
  assert.deepEqual([timeline.startedAt, timeline.planningMs, timeline.runMs], [start, 1000, 900])
  const [stock, price, reserve, pay] = timeline.tasks
  assert.deepEqual(stock, {
    task: 'task1',
    service: 's_stock',
    serviceName: 'Stock',
    state: 'completed',
    readyMs: 0,
    endMs: 10,
    sendings: [{ attempt: 1, sentMs: 1, acceptedMs: 3, endMs: 10, outcome: 'completed', error: null }],
    waits: [],
    interimResults: 0,
    lateResults: 0,
    error: null
  })
  assert.equal(price?.interimResults, 1)
  assert.deepEqual([reserve?.readyMs, reserve?.waits], [10, [{ type: 'service', fromMs: 41, toMs: 61, reason: 'Reserve is away' }]])
  assert.deepEqual([pay?.readyMs, pay?.state, pay?.endMs, pay?.error], [100, 'failed', 900, 'no money'])
  assert.deepEqual(
    pay?.sendings.map(({ attempt, sentMs, endMs, outcome }) => [attempt, sentMs, endMs, outcome]),
    [
      [1, 101, 200, 'timed-out'],
      [2, 400, 899, 'failed']
    ]
  )
  assert.deepEqual(pay?.waits, [{ type: 'retry', fromMs: 200, toMs: 400, reason: 'no answer within 0.1 s' }])
  assert.deepEqual(
    timeline.compensations.map(({ task, state, endMs, sendings }) => [task, state, endMs, sendings.length]),
    [
      ['task2', 'partial', 950, 1],
      ['task10', 'failed', 980, 2]
    ]
  )
})

test('a plan that runs has open ends', () => {
  const plan = shopPlan({}, [
    [1, sent('task1')],
    [2, { type: 'approval-requested', task: 'task10' }],
    [9, completed('task1')],
    [10, sent('task2')],
    [15, sent('task2')]
  ])
  const { runMs, tasks } = toTimeline(plan, start + 50)
  assert.equal(runMs, 50)
  assert.deepEqual(
    tasks.map(({ state, readyMs, endMs }) => [state, readyMs, endMs]),
    [
      ['completed', 0, 9],
      ['approval', 0, null],
      ['running', 9, null],
      ['waiting', null, null]
    ]
  )
  assert.deepEqual(tasks[1]?.waits, [{ type: 'approval', fromMs: 2, toMs: null, reason: 'a person has to approve it' }])
  assert.deepEqual(
    tasks[2]?.sendings.map(({ outcome, endMs }) => [outcome, endMs]),
    [
      ['lost', 15],
      ['running', null]
    ]
  )
})

test('a result that came after its attempt was given up is that attempt’s', () => {
  const plan = shopPlan({}, [
    [1, sent('task1')],
    [30, { type: 'task-attempt-failed', task: 'task1', attempt: 1, error: 'no answer', timedOut: true, retryAt: start + 60 }],
    [40, completed('task1')]
  ])
  const [stock] = toTimeline(plan, start + 50).tasks
  assert.deepEqual(stock?.sendings, [{ attempt: 1, sentMs: 1, acceptedMs: null, endMs: 40, outcome: 'completed', error: null }])
  assert.deepEqual([stock?.state, stock?.error, stock?.waits[0]?.toMs], ['completed', null, 40])
})

test('an action that never became a plan has the time of its planning only', () => {
  const timeline = toTimeline(shopPlan({ status: 'not_actionable', plan: null, changedAt: start + 500 }), start + 5000)
  assert.deepEqual([timeline.startedAt, timeline.planningMs, timeline.runMs, timeline.tasks], [null, 1500, 0, []])
})
