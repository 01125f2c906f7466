import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSingleFlight } from '../../../server/plans/cache/single-flight.ts'

const forever = new AbortController().signal

/** A promise and how to settle it. */
function gate<T>() {
  return Promise.withResolvers<T>()
}

test('of twenty who need the same plan one makes it, and each then takes it for itself', async () => {
  const flight = createSingleFlight()
  let made = 0
  let kept = false
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      flight.run(
        'key',
        {
          find: async () => (kept ? `found for ${index}` : undefined),
          make: async () => {
            made++
            await new Promise(setImmediate)
            kept = true
            return `made for ${index}`
          }
        },
        forever
      )
    )
  )
  assert.equal(made, 1)
  assert.deepEqual(answers, ['made for 0', ...Array.from({ length: 19 }, (_, index) => `found for ${index + 1}`)])
})

test('those whose leader failed try themselves, one after another', async () => {
  const flight = createSingleFlight()
  let running = 0
  let most = 0
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, (_, index) =>
      flight.run<number>(
        'key',
        {
          find: async () => undefined,
          make: async () => {
            most = Math.max(most, ++running)
            await new Promise(setImmediate)
            running--
            if (index < 2) throw new Error(`no plan for ${index}`)
            return index
          }
        },
        forever
      )
    )
  )
  assert.equal(most, 1)
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason))),
    ['Error: no plan for 0', 'Error: no plan for 1', 2, 3, 4]
  )
})

test('who leaves while waiting is gone at once, and nobody else with them', async () => {
  const flight = createSingleFlight()
  const leader = gate<string>()
  const leaving = new AbortController()
  let kept: string | undefined
  const work = { find: async () => kept, make: () => leader.promise }
  const first = flight.run('key', work, forever)
  const second = flight.run('key', work, leaving.signal)
  const third = flight.run('key', work, forever)
  await new Promise(setImmediate)
  leaving.abort(new Error('left'))
  await assert.rejects(second, /left/)
  kept = 'plan'
  leader.resolve('plan')
  assert.deepEqual(await Promise.all([first, third]), ['plan', 'plan'])
})

test('a leader that is aborted hands over to the next one', async () => {
  const flight = createSingleFlight()
  const leaving = new AbortController()
  const first = flight.run<string>(
    'key',
    {
      find: async () => undefined,
      make: () => new Promise((_, reject) => leaving.signal.addEventListener('abort', () => reject(leaving.signal.reason), { once: true }))
    },
    leaving.signal
  )
  const second = flight.run('key', { find: async () => undefined, make: async () => 'second' }, forever)
  await new Promise(setImmediate)
  leaving.abort(new Error('left'))
  await assert.rejects(first, /left/)
  assert.equal(await second, 'second')
})

test('other keys do not wait', async () => {
  const flight = createSingleFlight()
  const leader = gate<string>()
  const slow = flight.run('one', { find: async () => undefined, make: () => leader.promise }, forever)
  assert.equal(await flight.run('other', { find: async () => undefined, make: async () => 'at once' }, forever), 'at once')
  leader.resolve('late')
  assert.equal(await slow, 'late')
})

test('a plan that was made between the look and the turn is used', async () => {
  const flight = createSingleFlight()
  let looks = 0
  const found = await flight.run('key', { find: async () => (++looks === 2 ? 'found' : undefined), make: async () => 'made again' }, forever)
  assert.equal(found, 'found')
})
