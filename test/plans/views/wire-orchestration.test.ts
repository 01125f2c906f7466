import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toWireOrchestration } from '../../../server/plans/views/wire-orchestration.ts'
import { shopPlan } from './shop-plan.ts'

test('the answer to a request has the plan with what each service is and takes', () => {
  const { record, services } = shopPlan()
  const orchestration = toWireOrchestration(record, services)
  const { plan, ...rest } = orchestration
  assert.deepEqual(rest, {
    id: 'o_shop',
    projectID: 'p_1',
    action: { type: '', content: 'Buy a chair' },
    data: [
      { field: 'item', value: 'chair' },
      { field: 'buyer', value: { name: 'Ada' } }
    ],
    results: null,
    status: 'processing',
    timestamp: '2026-11-24T11:59:59.000Z',
    timeout: '30s',
    healthCheckGracePeriod: '30m0s',
    taskZero: { item: 'chair', buyer: { name: 'Ada' }, count: 2 }
  })
  assert.deepEqual(plan?.parallel_groups, [['task1', 'task10'], ['task2'], ['task3']])
  assert.deepEqual(plan.tasks[0], {
    id: 'task1',
    service: 's_stock',
    input: { item: '$task0.item' },
    service_name: 'Stock',
    capabilities: ['Stocks things'],
    expected_input: { type: 'object', properties: { item: { type: 'string' } } },
    expected_output: { type: 'object', properties: { id: { type: 'string' } } }
  })
})

test('a grounding that applied is named, and shown with the use case while that version is there', () => {
  const useCase = { action: 'Buy {item}', params: { item: 'chair' }, capabilities: ['Stock'], intent: 'Buys' }
  const grounding = { name: 'shop', domain: 'retail', version: '1@b#2', useCases: [{ ...useCase, action: 'Sell' }, useCase], constraints: ['c'] }
  const { record, services } = shopPlan({ grounding: 'shop@1@b#2#1' })
  assert.deepEqual(toWireOrchestration(record, services).groundingHit, { name: 'shop', version: '1@b#2' })
  assert.deepEqual(toWireOrchestration(record, services, { ...grounding, version: '2' }).groundingHit, { name: 'shop', version: '1@b#2' })
  assert.deepEqual(toWireOrchestration(record, services, grounding).groundingHit, { ...grounding, useCases: [useCase] })
})

test('an action that was refused has no plan', () => {
  const failure = { code: 'planning_failed' as const, message: 'no valid plan' }
  const orchestration = toWireOrchestration(shopPlan({ status: 'failed', plan: null, failure }).record, [])
  assert.deepEqual([orchestration.plan, orchestration.taskZero, orchestration.error], [null, null, 'no valid plan'])
})
