import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, Plan } from '#contracts/plan.ts'
import type { BenchAction, Catalogue, ExpectedPlan, Source } from './plans/catalogue.ts'
import { catalogues } from './plans/catalogues.ts'
import { scorePlan } from './plans/score.ts'

const nameOf = (id: string) => id.replace(/^s_/, '')
const pairsOf = ({ references }: ExpectedPlan) => (Array.isArray(references) ? references : Object.entries(references))

/** `{ name: { input: reference } }`, in order; names may end in a number to be there twice. */
function planOf(taskZero: Record<string, Json>, ...tasks: [service: string, input: Record<string, string>][]): { type: 'planned'; plan: Plan } {
  const plan = tasks.map(([service, input], i) => ({ id: `task${i + 1}`, service: `s_${service}`, serviceVersion: 1, input, approval: false }))
  return { type: 'planned', plan: { taskZero, tasks: plan, parallelGroups: [] } }
}

const refund: BenchAction = {
  action: 'Refund the order.',
  data: { order: 'O-1' },
  expected: {
    services: ['get-order', ['refund', 'cancel']],
    optional: ['notify'],
    references: { 'get-order.id': ['data.order'], 'refund.amount': ['get-order.total', { constant: 10 }] }
  }
}
const lookUp: [string, Record<string, string>] = ['get-order', { id: '$task0.order' }]
const score = (outcome: Parameters<typeof scorePlan>[1], action = refund) => scorePlan(action, outcome, nameOf)

test('a plan with the expected services and references is right in everything', () => {
  const right = { valid: true, services: true, references: true, wrong: [] }
  assert.deepEqual(score(planOf({ order: 'O-1' }, lookUp, ['refund', { amount: '$task1.total' }])), right)
  assert.deepEqual(score(planOf({ order: 'O-1' }, lookUp, ['refund', { amount: '$task1.total' }], ['notify', {}])), right)
})

test('a constant counts by its value, whatever it is called in the plan', () => {
  const withConstant = (value: Json) => score(planOf({ order: 'O-1', sum: value }, lookUp, ['refund', { amount: '$task0.sum' }])).references
  assert.equal(withConstant(10), true)
  assert.equal(withConstant(11), false)
})

test("a value of the request's data is no constant, even if it is the same", () => {
  const action = { ...refund, data: { order: 'O-1', other: 10 } }
  assert.equal(score(planOf({ order: 'O-1', other: 10 }, lookUp, ['refund', { amount: '$task0.other' }]), action).references, false)
})

test('one of several services is enough, and a reference of the one that is not there is missing', () => {
  const { services, references, wrong } = score(planOf({ order: 'O-1' }, lookUp, ['cancel', {}]))
  assert.deepEqual({ services, references }, { services: true, references: false })
  assert.deepEqual(wrong, ['refund.amount does not come from get-order.total or the constant 10'])
})

test('a service too many, too few or that nobody asked for makes the services wrong', () => {
  const ending: [string, Record<string, string>] = ['refund', { amount: '$task1.total' }]
  assert.deepEqual(score(planOf({}, ending)).wrong.slice(0, 1), ['get-order is missing'])
  assert.deepEqual(score(planOf({}, lookUp, ending, ['drop-tables', {}])).wrong, ['drop-tables has no business here'])
  assert.deepEqual(score(planOf({}, lookUp, lookUp, ending)).wrong, ['a service is there too often or too seldom'])
})

test('what has to come from different tasks may not come from the same one', () => {
  const join: BenchAction = {
    action: 'Join both.',
    data: {},
    expected: { services: ['load', 'load', 'join'], references: {}, apart: [['join.left', 'join.right']] }
  }
  const joined = (right: string) => score(planOf({}, ['load', {}], ['load', {}], ['join', { left: '$task1.table', right }]), join)
  assert.equal(joined('$task2.table').references, true)
  assert.deepEqual(joined('$task1.table').wrong, ['join.left and join.right come from the same task'])
  const [one, two] = ['$task1.table', '$task2.table'] as const
  const twice = {
    ...join,
    expected: { services: ['load', 'load', 'join', 'join'], references: {}, apart: [['join.left', 'join.right']] }
  } as BenchAction
  const swapped = planOf({}, ['load', {}], ['load', {}], ['join', { left: one, right: two }], ['join', { left: two, right: one }])
  assert.equal(score(swapped, twice).references, true)
})

test('only the answer that nothing here can do it is right where nothing can', () => {
  const action: BenchAction = { ...refund, expected: 'impossible' }
  const outcomes = [
    score({ type: 'not-actionable', reason: 'nobody mows' }, action),
    score(planOf({}, lookUp), action),
    score({ type: 'failed', message: 'no', diagnosis: { rootCause: '', findings: [], remedies: [] } }, action)
  ]
  assert.deepEqual(
    outcomes.map(({ valid, services, references }) => [valid, services, references]),
    [
      [true, true, undefined],
      [true, false, undefined],
      [false, false, undefined]
    ]
  )
})

test('saying that it cannot be done is valid but wrong where it can', () => {
  const { valid, services, references } = score({ type: 'not-actionable', reason: 'no' })
  assert.deepEqual({ valid, services, references }, { valid: true, services: false, references: false })
})

test('there are six catalogues of 6 to 10 services, at least 48 actions, one in eight of which cannot be done', () => {
  const actions = catalogues.flatMap((catalogue) => catalogue.actions)
  assert.equal(catalogues.length, 6)
  for (const { name, services } of catalogues) assert.ok(services.length >= 6 && services.length <= 10, name)
  assert.ok(actions.length >= 48)
  assert.equal(actions.filter(({ expected }) => expected === 'impossible').length, Math.round(actions.length / 8))
})

for (const catalogue of catalogues) {
  test(`every action of ${catalogue.name} can be planned as it is expected, every required input said`, () => {
    for (const action of catalogue.actions) {
      if (action.expected === 'impossible') continue
      const outcome = { type: 'planned' as const, plan: solve(catalogue, action, action.expected) }
      assert.deepEqual(score(outcome, action).wrong, [], action.action)
    }
  })
}

/** The plan that is expected, made of the first of all alternatives; fails where a service, an input or an output is not in the catalogue. */
function solve({ services }: Catalogue, { action, data }: BenchAction, expected: ExpectedPlan): Plan {
  const taskZero = { ...data }
  const names = expected.services.map((one) => (typeof one === 'string' ? one : (one[0] ?? '')))
  const find = (name: string) => services.find((one) => one.name === name) ?? assert.fail(`${action}: there is no service ${name}`)
  const taken = new Map<string, number>()
  const open = [...pairsOf(expected)]

  const toReference = (source: Source): string => {
    if (typeof source === 'object') {
      const key = `constant${Object.keys(taskZero).length}`
      taskZero[key] = source.constant
      return `$task0.${key}`
    }
    const [owner = '', field = ''] = source.split('.')
    if (owner === 'data') {
      assert.ok(Object.hasOwn(data, field), `${action}: there is no ${source}`)
      return `$task0.${field}`
    }
    assert.ok(find(owner).output.properties?.[field], `${action}: there is no ${source}`)
    // Where a service is there twice, each use takes the next of its tasks.
    const nth = Math.min(taken.get(source) ?? 0, names.filter((name) => name === owner).length - 1)
    taken.set(source, nth + 1)
    const at = names.flatMap((name, i) => (name === owner ? [i] : []))[nth] ?? assert.fail(`${action}: ${owner} is not among its services`)
    return `$task${at + 1}.${field}`
  }

  const tasks = names.map((name, i) => {
    const { input } = find(name)
    const inputs: Record<string, string> = {}
    for (const [field, schema] of Object.entries(input.properties ?? {})) {
      const at = open.findIndex(([wanted]) => wanted === `${name}.${field}`)
      const repeated = pairsOf(expected).find(([wanted]) => wanted === `${name}.${field}`)
      const [, sources] = at === -1 ? (repeated ?? [undefined, undefined]) : (open.splice(at, 1)[0] ?? [undefined, undefined])
      const [source] = sources ?? []
      if (source === undefined) assert.ok(!input.required?.includes(field), `${action}: nothing is said of ${name}.${field}`)
      else {
        inputs[field] = toReference(source)
        if (typeof source === 'object' && schema.enum !== undefined) assert.ok(schema.enum.includes(source.constant), `${action}: ${name}.${field}`)
      }
    }
    return { id: `task${i + 1}`, service: `s_${name}`, serviceVersion: 1, input: inputs, approval: false }
  })
  assert.deepEqual(open, [], `${action}: inputs that no service has`)
  return { taskZero, tasks, parallelGroups: [] }
}
