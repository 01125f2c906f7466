import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionParameter, Service } from '#contracts/plan.ts'
import { createDeterministicPlanner } from '../../../server/plans/planning/deterministic-planner.ts'
import { testService } from '../../helpers/plan-services.ts'

const weather = testService('get weather', { city: 'string', date: { type: 'string', format: 'date' } }, { forecast: 'string' })
const flights = testService(
  'search flights',
  { fromCity: 'string', toCity: 'string', date: { type: 'string', format: 'date' } },
  { flightId: 'string', price: 'number' }
)
const book = testService('book flight', { flightId: 'string', passenger: 'string' }, { confirmation: 'string' })
const rent = testService('rent car', { city: 'string', size: { type: 'string', enum: ['small', 'van'] } }, { carId: 'string' })

async function plan(action: string, values: Record<string, ActionParameter['value']> = {}, services: Service[] = [weather, flights, book, rent]) {
  const data = Object.entries(values).map(([field, value]) => ({ field, value }))
  const request = { action, data, services, grounding: undefined, example: undefined, clientId: 'c', requestId: 'r', deadlineAt: 0 }
  return await createDeterministicPlanner().plan(request, new AbortController().signal)
}

test('services are found by the words of the action, and what they need is wired by names', async () => {
  const outcome = await plan('Book a flight', { fromCity: 'Oslo', toCity: 'Rome', date: '2026-05-14', passenger: 'Ada' })
  assert.ok(outcome.type === 'planned', JSON.stringify(outcome))
  assert.deepEqual(
    outcome.plan.tasks.map(({ service, input }) => [service, input]),
    [
      [flights.id, { fromCity: '$task0.fromCity', toCity: '$task0.toCity', date: '$task0.date' }],
      [book.id, { flightId: '$task1.flightId', passenger: '$task0.passenger' }]
    ]
  )
})

test('names, dates and words of an enumeration are read out of the action', async () => {
  const found = await plan('Search flights from Oslo to New York on 2026-05-14')
  assert.ok(found.type === 'planned', JSON.stringify(found))
  assert.deepEqual(found.plan.taskZero, { fromCity: 'Oslo', toCity: 'New York', date: '2026-05-14' })
  const rented = await plan('Rent a van', { city: 'Oslo' })
  assert.deepEqual(rented.type === 'planned' && rented.plan.taskZero, { city: 'Oslo', size: 'van' })
})

test('a value is recognised by its form where its name says nothing', async () => {
  const outcome = await plan('What will the weather be?', { place: 'Oslo', when: '2026-05-14' })
  assert.deepEqual(outcome.type === 'planned' && outcome.plan.tasks[0]?.input, { city: '$task0.place', date: '$task0.when' })
})

test('the text after a colon is what is meant', async () => {
  const echo = testService('echo', { message: 'string' }, { echo: 'string' })
  const outcome = await plan('Echo this message: hello', {}, [echo])
  assert.deepEqual(outcome.type === 'planned' && outcome.plan.taskZero, { message: 'hello' })
})

test('an action that no service has to do with is not actionable', async () => {
  assert.equal((await plan('Mow the lawn', { garden: 'mine' })).type, 'not-actionable')
})

test('the same request gives the same plan', async () => {
  const once = await plan('Book a flight and rent a car', { fromCity: 'Oslo', toCity: 'Rome', date: '2026-05-14', passenger: 'Ada' })
  assert.deepEqual(await plan('Book a flight and rent a car', { fromCity: 'Oslo', toCity: 'Rome', date: '2026-05-14', passenger: 'Ada' }), once)
})

test('what cannot be filled is said, with what to change', async () => {
  const outcome = await plan('Book this flight', { passenger: 'Ada' }, [book])
  assert.ok(outcome.type === 'failed')
  assert.match(outcome.message, /needs flightId \(string\), and nothing gives it/)
  assert.match(outcome.diagnosis.remedies.join(), /send flightId with the action/)
})
