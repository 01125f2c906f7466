import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '#contracts/plan.ts'
import { type PlanDraft, readPlanDraft, toDraft } from '../../../server/plans/planning/plan-draft.ts'
import { validatePlan } from '../../../server/plans/planning/validate-plan.ts'
import { testService } from '../../helpers/plan-services.ts'

const search = testService(
  'search',
  { query: 'string', 'limit?': 'integer' },
  { productId: 'string', price: 'number', tags: { type: 'array', items: { type: 'string' } } }
)
const order = testService(
  'order',
  { productId: 'string', quantity: { type: 'integer', minimum: 1, maximum: 10 } },
  { orderId: 'string' },
  { version: 3, approval: true }
)
const ship = testService('ship', { orderId: 'string', speed: { type: 'string', enum: ['slow', 'fast'] } }, { parcel: { type: 'object' } })
const services = [search, order, ship]
const data = [
  { field: 'query', value: 'a lamp' },
  { field: 'quantity', value: 2 }
]
const taskZero = { query: null, quantity: null }

function draftOf(tasks: [id: string, service: string | undefined, input: JsonObject][]): PlanDraft {
  return { tasks: tasks.map(([id, service, input]) => ({ id, service: service?.toLowerCase(), input })), parallelGroups: null }
}
const check = (draft: PlanDraft, failedAttempts = 0) => validatePlan({ draft, data, services, failedAttempts })
const good = draftOf([
  ['task0', undefined, taskZero],
  ['task1', search.id, { query: '$task0.query' }],
  ['task2', order.id, { productId: '$task1.productId', quantity: '$task0.quantity' }],
  ['task3', ship.id, { orderId: '$task2.orderId', speed: 'fast' }]
])

/** The kinds of what is wrong with the good plan after a change of one task. */
function faults(task: string, change: { id?: string; service?: string; input?: Record<string, Json> }): string[] {
  const tasks = good.tasks.map((one) => (one.id === task ? { ...one, ...change, input: { ...one.input, ...change.input } } : one))
  const outcome = check({ tasks, parallelGroups: null })
  return outcome.type === 'invalid' ? outcome.findings.map(({ kind }) => kind) : []
}

test('a valid plan has the data of the request, references only, versions of its services, and what may run at the same time', () => {
  const outcome = check(good)
  assert.ok(outcome.type === 'valid')
  assert.deepEqual(outcome.plan, {
    taskZero: { query: 'a lamp', quantity: 2, speed: 'fast' },
    tasks: [
      { id: 'task1', service: search.id, serviceVersion: 1, input: { query: '$task0.query' }, approval: false },
      { id: 'task2', service: order.id, serviceVersion: 3, input: { productId: '$task1.productId', quantity: '$task0.quantity' }, approval: true },
      { id: 'task3', service: ship.id, serviceVersion: 1, input: { orderId: '$task2.orderId', speed: '$task0.speed' }, approval: false }
    ],
    parallelGroups: [['task1'], ['task2'], ['task3']]
  })
})

test('values that a model wrote for the data are not taken: those of the request are', () => {
  const [zero, ...others] = good.tasks
  assert.ok(zero)
  const outcome = check({ tasks: [{ ...zero, input: { query: 'a lump', quantity: 3 } }, ...others], parallelGroups: null })
  assert.ok(outcome.type === 'valid')
  assert.equal(outcome.plan.taskZero['query'], 'a lamp')
})

test('data that reads like a reference stays text', () => {
  const outcome = validatePlan({ draft: good, data: [{ field: 'query', value: '$task2.orderId' }, ...data.slice(1)], services, failedAttempts: 0 })
  assert.ok(outcome.type === 'valid')
  assert.equal(outcome.plan.taskZero['query'], '$task2.orderId')
})

test('tasks in any order are put into one in which each finds what it refers to', () => {
  const outcome = check({ tasks: good.tasks.toReversed(), parallelGroups: [['task3'], ['task1']] })
  assert.ok(outcome.type === 'valid')
  assert.deepEqual(
    outcome.plan.tasks.map(({ id }) => id),
    ['task1', 'task2', 'task3']
  )
})

test('a plan that passed passes again, and is the same', () => {
  const first = check(good)
  assert.ok(first.type === 'valid')
  assert.deepEqual(check(toDraft(first.plan)), first)
})

test('a final task means that the action cannot be done, wherever it stands', () => {
  const tasks = [...good.tasks, { id: 'Final', service: undefined, input: { error: 'nobody paints' } }]
  assert.deepEqual(check({ tasks, parallelGroups: null }), { type: 'not-actionable', reason: 'nobody paints' })
})

test('a plan out of shape is refused', () => {
  assert.deepEqual(faults('task0', { id: 'task9' }), ['task0_absent', 'task_without_service'])
  assert.deepEqual(faults('task1', { id: 'TASK0' }), ['several_task0', 'task0_has_service'])
  assert.deepEqual(faults('task0', { service: search.id }), ['task0_has_service'])
  assert.deepEqual(faults('task2', { id: 'task1' }), ['duplicate_task_id'])
  assert.deepEqual(faults('task2', { id: 'a.b' }), ['invalid_task_id'])
  const alone = check(draftOf([['task0', undefined, taskZero]]))
  assert.deepEqual(alone.type === 'invalid' && alone.findings, [{ kind: 'no_tasks' }])
})

test('inputs that a service does not have, needs or knows are refused', () => {
  assert.deepEqual(faults('task1', { service: 's_nobody' }), ['unknown_service'])
  assert.deepEqual(faults('task1', { input: { color: 'red' } }), ['unsupported_input'])
  assert.deepEqual(faults('task1', { input: { limit: 3 } }), [])
  const missing = check(
    draftOf([
      ['task0', undefined, taskZero],
      ['task1', order.id, { quantity: '$task0.quantity' }]
    ])
  )
  assert.deepEqual(missing.type === 'invalid' && missing.findings, [
    { kind: 'missing_input', task: 'task1', service: order.id, input: 'productId', type: 'string' }
  ])
})

test('references that lead nowhere, to themselves or in a circle are refused', () => {
  assert.deepEqual(faults('task2', { input: { productId: '$task8.productId' } }), ['unknown_task'])
  assert.deepEqual(faults('task2', { input: { productId: '$task1.id' } }), ['missing_field'])
  assert.deepEqual(faults('task2', { input: { productId: '$task0.product' } }), ['missing_field'])
  assert.deepEqual(faults('task2', { input: { productId: '$task2.orderId' } }), ['self_reference'])
  assert.deepEqual(faults('task1', { input: { query: '$task3.parcel' } }), ['cyclic_reference'])
  assert.deepEqual(faults('task1', { input: { query: '$task0' } }), ['malformed_reference'])
  assert.deepEqual(faults('task2', { input: { productId: '$task1.productId and $task1.price' } }), ['malformed_reference'])
  assert.deepEqual(faults('task2', { input: { productId: 'the $task1.productId' } }), ['malformed_reference'])
  assert.deepEqual(faults('task1', { input: { query: 'find $task0.query now' } }), ['composite_reference'])
  assert.deepEqual(faults('task2', { input: { productId: ['$task1.productId'] } }), ['nested_reference'])
})

test('a price in a text is no reference', () => {
  assert.deepEqual(faults('task1', { input: { query: 'a lamp for $5.00' } }), [])
})

test('values and outputs of another type than the input takes are refused', () => {
  assert.deepEqual(faults('task2', { input: { productId: '$task1.price' } }), ['wrong_type'])
  assert.deepEqual(faults('task2', { input: { quantity: '$task1.price' } }), [], 'a number may be whole')
  assert.deepEqual(faults('task2', { input: { quantity: 11 } }), ['wrong_value'])
  assert.deepEqual(faults('task2', { input: { quantity: 'many' } }), ['wrong_value'])
  assert.deepEqual(faults('task2', { input: { quantity: '3' } }), [], 'command lines send numbers as text')
  assert.deepEqual(faults('task3', { input: { speed: 'faster' } }), ['wrong_value'])
  assert.deepEqual(faults('task3', { input: { speed: null } }), ['wrong_value'])
})

test('all that one stage finds is told, and more of it with each failure', () => {
  const bad = draftOf([
    ['task0', undefined, taskZero],
    ['task1', search.id, { color: 'red' }],
    ['task2', order.id, {}]
  ])
  const said = [0, 1, 2].map((failures) => {
    const outcome = check(bad, failures)
    assert.ok(outcome.type === 'invalid')
    return outcome.messages
  })
  assert.equal(said[0]?.length, 4)
  assert.equal(said[0]?.[1], 'task1: search (s_searchxxxxxxxxxxxxxxxxxxxxxx) has no input color')
  assert.match(said[1]?.[1] ?? '', /It takes query, limit$/)
  assert.match(said[2]?.[1] ?? '', /^Planning error: .*To fix it: add color to the input schema of search/)
})

test('the diagnosis says what keeps the action from being planned, where, and what to change', () => {
  const outcome = check(
    draftOf([
      ['task0', undefined, taskZero],
      ['task1', order.id, { quantity: '$task0.quantity' }]
    ])
  )
  assert.ok(outcome.type === 'invalid')
  assert.match(outcome.diagnosis.rootCause, /needs inputs that neither the request nor another service gives/)
  assert.deepEqual(outcome.diagnosis.findings[0], {
    service: order.id,
    task: 'task1',
    field: 'productId',
    problem: `task1: order (${order.id}) needs the input productId (string)`
  })
  assert.match(outcome.diagnosis.remedies[0] ?? '', /send productId with the action, make it optional/)
})

test('data whose names are no plain words can be referred to', () => {
  for (const field of ['first name', 'a.b', 'größe', '__proto__', 'constructor']) {
    const draft = draftOf([
      ['task0', undefined, JSON.parse(`{${JSON.stringify(field)}:null}`) as JsonObject],
      ['task1', search.id, { query: `$task0.${field}` }]
    ])
    const outcome = validatePlan({ draft, data: [{ field, value: 'x' }], services, failedAttempts: 0 })
    assert.ok(outcome.type === 'valid', `${field}: ${JSON.stringify(outcome)}`)
    assert.equal(Object.getOwnPropertyDescriptor(outcome.plan.taskZero, field)?.value, 'x')
  }
})

test('a draft that is no plan is told apart by where it is wrong', () => {
  assert.deepEqual(readPlanDraft('{"tasks":[{"id":7}]}'), { ok: false, problem: 'tasks.0.id: Invalid input: expected string, received number' })
  assert.equal(readPlanDraft('[]').ok, false)
})
