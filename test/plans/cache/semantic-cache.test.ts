import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { createLog } from '../../../server/log.ts'
import { flightKey } from '../../../server/plans/cache/scope.ts'
import { createPlanCache, type PlanCacheOptions } from '../../../server/plans/cache/semantic-cache.ts'
import { createSingleFlight } from '../../../server/plans/cache/single-flight.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createPlanCacheStore } from '../../../server/store/plan-cache.ts'
import { testWithRealEmbed, wordEmbed } from '../../helpers/embedding.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { onEnd } from '../../helpers/on-end.ts'
import { eligibility, refundPlan, refunds, service, shopGrounding, shopQuestion } from '../../helpers/shop.ts'

const log = createLog({ level: 'silent' })

function openCache(t: TestContext, options: Partial<PlanCacheOptions> & { file?: string } = {}) {
  const file = options.file ?? join(temporaryFolder(t), 'outpost.db')
  const db = openDatabase(file)
  onEnd(t, () => db.close())
  return createPlanCache({ store: createPlanCacheStore(db), embed: wordEmbed(), embeddingModel: () => 'words', log, ...options })
}

const order = (value: string) => [{ field: 'orderId', value }]
const plan = (orderId = 'ORD-1') => refundPlan({ orderId })

test('the same action with other values takes the plan, with its own values and without an embedding', async (t) => {
  const embed = wordEmbed()
  const cache = openCache(t, { embed })
  await cache.keep(shopQuestion('Refund order ORD-1', order('ORD-1')), plan(), 'o_1')
  const before = embed.texts.length
  const answer = await cache.look(shopQuestion('Please refund the order ORD-2', order('ORD-2')))
  assert.ok(answer.type === 'hit')
  assert.deepEqual(answer.plan, plan('ORD-2'))
  assert.deepEqual(answer.verdict, { outcome: 'hit', reason: 'the same words as “Refund order ORD-1”', planId: 'o_1', similarity: 1 })
  assert.equal(embed.texts.length, before)
})

test('a plan survives a restart', async (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  await openCache(t, { file }).keep(shopQuestion('Refund it', order('A')), plan('A'), 'o_1')
  const answer = await openCache(t, { file }).look(shopQuestion('Refund it', order('B')))
  assert.ok(answer.type === 'hit')
  assert.deepEqual(answer.plan.taskZero, { orderId: 'B' })
})

test('other services, other versions, another grounding or another project: no hit, and the reason says so', async (t) => {
  const cache = openCache(t)
  const question = shopQuestion('Refund it', order('A'))
  await cache.keep(question, plan('A'), 'o_1')
  const hit = { grounding: shopGrounding, useCase: shopGrounding.useCases[0]!, index: 0, similarity: 0.99 }
  const others = [
    shopQuestion('Refund it', order('A'), { services: [eligibility, { ...refunds, version: 2 }] }),
    shopQuestion('Refund it', order('A'), { services: [eligibility, refunds, service('Mail', 'Sends mail', { input: ['to'], output: ['id'] })] }),
    shopQuestion('Refund it', order('A'), { services: [eligibility, { ...refunds, description: 'Gives a voucher' }] }),
    shopQuestion('Refund it', order('A'), { grounding: hit })
  ]
  for (const other of others) {
    const answer = await cache.look(other)
    assert.deepEqual(answer, {
      type: 'miss',
      example: undefined,
      verdict: { outcome: 'miss', reason: 'the services or the grounding have changed since an action in the same words was planned' }
    })
  }
  const elsewhere = await cache.look(shopQuestion('Refund it', order('A'), { projectId: 'p_2' }))
  assert.equal(elsewhere.verdict.reason, 'no similar action was planned with these services')
  assert.equal((await cache.look({ ...question, services: [refunds, eligibility] })).type, 'hit', 'the order of the services does not matter')
})

test('a plan of another version of the same grounding is not used', async (t) => {
  const cache = openCache(t)
  const grounded = (version: string, constraints: string[] = []) => {
    const grounding = { ...shopGrounding, version, constraints }
    return shopQuestion('Refund it', order('A'), { grounding: { grounding, useCase: grounding.useCases[0]!, index: 0, similarity: 1 } })
  }
  await cache.keep(grounded('1.0'), plan('A'), 'o_1')
  assert.equal((await cache.look(grounded('1.0'))).type, 'hit')
  assert.equal((await cache.look(grounded('1.1'))).type, 'miss')
  assert.equal((await cache.look(grounded('1.0', ['Never refund twice']))).type, 'miss')
})

test('a similar action is shown as an example, and the reason names the words that differ', async (t) => {
  const cache = openCache(t)
  const action = 'Refund the whole order of the customer with a friendly message'
  await cache.keep(shopQuestion(action, order('A')), plan('A'), 'o_1')
  const answer = await cache.look(shopQuestion(action.replace('with a', 'without any'), order('B')))
  assert.ok(answer.type === 'miss')
  assert.deepEqual(answer.example, { action, plan: plan('A') })
  assert.equal(answer.verdict.outcome, 'near')
  assert.equal(answer.verdict.planId, 'o_1')
})

test('data that the plan has no place for is no hit', async (t) => {
  const cache = openCache(t)
  await cache.keep(shopQuestion('Refund it', order('A')), plan('A'), 'o_1')
  const answer = await cache.look(shopQuestion('Refund it', [...order('B'), { field: 'reason', value: 'broken' }]))
  assert.equal(answer.type, 'miss')
})

test('two values of one name are never mixed up: nothing is kept or found', async (t) => {
  const cache = openCache(t)
  const question = shopQuestion('Refund it', [...order('A'), ...order('B')])
  await cache.keep(question, plan('A'), 'o_1')
  assert.deepEqual(cache.entries('p_1'), [])
  assert.match((await cache.look(question)).verdict.reason, /“orderId” more than once/)
})

test('an action with hundreds of values is planned anew each time, and the verdict says why', async (t) => {
  const cache = openCache(t)
  const question = shopQuestion(`Refund ${Array.from({ length: 201 }, (_, index) => `ORD-${index}`).join(' ')}`)
  await cache.keep(question, refundPlan({}), 'o_1')
  assert.match((await cache.look(question)).verdict.reason, /201 values in its text/)
  assert.deepEqual(cache.entries('p_1'), [])
})

test('twenty new requests with other values in data and text make one plan, and each gets its own values', async (t) => {
  const cache = openCache(t)
  const flight = createSingleFlight()
  let planned = 0
  const run = async (index: number) => {
    const id = `ORD-${index}`
    const question = shopQuestion(`Refund ${id} with ${index} reminders`, [{ field: 'orderId', value: id }])
    const find = async () => {
      const answer = await cache.look(question)
      return answer.type === 'hit' ? answer.plan : undefined
    }
    const make = async () => {
      planned++
      const made = refundPlan({ orderId: id, reminders: index, note: `about ${id}` })
      await cache.keep(question, made, `o_${index}`)
      return made
    }
    return (await flight.run(flightKey(question), { find, make }, new AbortController().signal)).taskZero
  }
  const results = await Promise.all(Array.from({ length: 20 }, (_, index) => run(index)))
  assert.equal(planned, 1)
  assert.deepEqual(
    results,
    results.map((_, index) => ({ orderId: `ORD-${index}`, reminders: index, note: `about ORD-${index}` }))
  )
})

test('a plan older than a day is gone', async (t) => {
  let now = 1_000_000
  const cache = openCache(t, { now: () => now })
  const question = shopQuestion('Refund it', order('A'))
  await cache.keep(question, plan('A'), 'o_1')
  now += 24 * 60 * 60 * 1000 - 1
  assert.equal((await cache.look(question)).type, 'hit')
  now += 1
  assert.equal((await cache.look(question)).type, 'miss')
  assert.deepEqual(cache.entries('p_1'), [])
})

test('of too many plans the least recently used one leaves, in its own project', async (t) => {
  let now = 0
  const cache = openCache(t, { maxEntries: 2, now: () => ++now })
  await cache.keep(shopQuestion('Refund nine', order('A'), { projectId: 'p_2' }), plan('A'), 'o_9')
  await cache.keep(shopQuestion('Refund one', order('A')), plan('A'), 'o_1')
  await cache.keep(shopQuestion('Refund two', order('A')), plan('A'), 'o_2')
  await cache.look(shopQuestion('Refund one', order('A')))
  await cache.keep(shopQuestion('Refund three', order('A')), plan('A'), 'o_3')
  assert.deepEqual(
    cache.entries('p_1').map(({ planId, hits }) => [planId, hits]),
    [
      ['o_3', 0],
      ['o_1', 1]
    ]
  )
  assert.equal(cache.entries('p_2').length, 1)
})

test('without an embedding model plans for the same words are found, and the verdict says that only these are', async (t) => {
  const cache = openCache(t, { embed: async () => undefined, embeddingModel: () => '' })
  await cache.keep(shopQuestion('Refund order A1', order('A')), plan('A'), 'o_1')
  assert.equal((await cache.look(shopQuestion('Refund order B1', order('B')))).type, 'miss', 'the value A1 left no trace in the plan')
  assert.equal((await cache.look(shopQuestion('refund the order A1', order('B')))).type, 'hit')
  assert.match((await cache.look(shopQuestion('Repay order A1', order('B')))).verdict.reason, /no embedding model/)
})

test('an embedding model that fails does not fail the planning', async (t) => {
  const embed = () => Promise.reject(new AppError('context_length_exceeded', 'the context window is 512 tokens'))
  const cache = openCache(t, { embed })
  await cache.keep(shopQuestion('Refund it', order('A')), plan('A'), 'o_1')
  assert.equal((await cache.look(shopQuestion('Refund it', order('B')))).type, 'hit')
  assert.match((await cache.look(shopQuestion('Repay it', order('B')))).verdict.reason, /no embedding model read it/)
})

test('what a fresh validation refused is dropped, and clearing a project leaves the others', async (t) => {
  const cache = openCache(t)
  const question = shopQuestion('Refund it', order('A'))
  await cache.keep(question, plan('A'), 'o_1')
  const answer = await cache.look(question)
  assert.ok(answer.type === 'hit')
  cache.drop(answer.entryId)
  assert.equal((await cache.look(question)).type, 'miss')
  await cache.keep(question, plan('A'), 'o_2')
  await cache.keep({ ...question, projectId: 'p_2' }, plan('A'), 'o_3')
  assert.equal(cache.clear('p_1'), 1)
  assert.deepEqual([cache.entries('p_1').length, cache.entries('p_2').length], [0, 1])
})

test('keeping the plan of the same action again replaces the one before', async (t) => {
  const cache = openCache(t)
  await cache.keep(shopQuestion('Refund it', order('A')), plan('A'), 'o_1')
  await cache.keep(shopQuestion('Refund it', order('B')), plan('B'), 'o_2')
  assert.deepEqual(
    cache.entries('p_1').map(({ planId, action, fields, tasks }) => ({ planId, action, fields, tasks })),
    [{ planId: 'o_2', action: 'Refund it', fields: ['orderId'], tasks: 2 }]
  )
})

test('vectors of another model are not compared', async (t) => {
  let model = 'one'
  const cache = openCache(t, { embed: (texts) => wordEmbed(model === 'one' ? 64 : 32)(texts), embeddingModel: () => model })
  await cache.keep(shopQuestion('Show the refund of the order', order('A')), plan('A'), 'o_1')
  assert.equal((await cache.look(shopQuestion('Show this refund of the order', order('B')))).verdict.outcome, 'near')
  model = 'two'
  assert.equal((await cache.look(shopQuestion('Show this refund of the order', order('B')))).verdict.outcome, 'miss')
})

await testWithRealEmbed('with the real embedding model paraphrases hit and opposites do not', async (t, embed) => {
  const cache = openCache(t, { embed, embeddingModel: () => 'real' })
  const data = [
    { field: 'customerId', value: 'c-1' },
    { field: 'orderId', value: 'o-1' }
  ]
  const taskZero = { customerId: 'c-1', orderId: 'o-1' }
  const cases: { kept: string; hits: string[]; misses: string[] }[] = [
    {
      kept: 'Show all open orders of the customer',
      hits: ['List all open orders of the customer', 'Please display all open orders of the customer'],
      misses: ['List all closed orders of the customer', 'Show all orders of the customer', 'Delete all open orders of the customer']
    },
    {
      kept: 'Ship the order with insurance and notify the customer',
      hits: ['Ship the order with insurance and inform the customer'],
      misses: ['Ship the order without insurance and notify the customer', 'Ship the order with insurance and do not notify the customer']
    },
    {
      kept: 'Book a flight from Paris to Rome',
      hits: ['Book a flight to Rome from Paris', 'Could you book a flight from Paris to Rome'],
      misses: ['Book a flight from Rome to Paris', 'Cancel a flight from Paris to Rome']
    }
  ]
  for (const { kept, hits, misses } of cases) {
    await cache.keep(shopQuestion(kept, data), refundPlan(taskZero), 'o_1')
    for (const action of hits) assert.equal((await cache.look(shopQuestion(action, data))).verdict.outcome, 'hit', action)
    for (const action of misses) assert.notEqual((await cache.look(shopQuestion(action, data))).verdict.outcome, 'hit', action)
  }
})
