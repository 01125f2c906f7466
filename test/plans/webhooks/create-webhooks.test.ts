import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Delivery } from '#contracts/plan-api.ts'
import { createLog } from '../../../server/log.ts'
import { createAddressGuard } from '../../../server/plans/webhooks/address-guard.ts'
import { createWebhooks, type WebhooksOptions } from '../../../server/plans/webhooks/create-webhooks.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createWebhookStore, type WebhookStore } from '../../../server/store/webhooks.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { freePort } from '../../helpers/free-port.ts'
import { onEnd } from '../../helpers/on-end.ts'
import { createFakeClock } from './fake-clock.ts'
import { startHookTarget } from './hook-target.ts'
import { compensationFailure, planRecord } from './plan-records.ts'

const hourMs = 3_600_000
const log = createLog({ level: 'silent' })
const guard = createAddressGuard({ airGap: true, lanAllow: [] })

/** Webhooks over a real database, which `restart` opens again as a new process would. */
function setUp(t: TestContext, options: Partial<WebhooksOptions> = {}) {
  const file = join(temporaryFolder(t), 'outpost.db')
  const open = () => {
    const db = openDatabase(file)
    const { store, written } = watched(createWebhookStore(db))
    const webhooks = createWebhooks({ store, guard, log, random: () => 0.5, closingMs: 50, ...options })
    onEnd(t, async () => {
      await webhooks.close()
      db.close()
    })
    /** Resolves when a delivery of the plan has come to this state; `waiting`: after an attempt. */
    const deliveryOf = async (planId: string, state: Delivery['state']): Promise<Delivery> => {
      for (;;) {
        const [delivery] = webhooks.deliveries('p_1', { planId })
        if (delivery?.state === state && (state !== 'waiting' || delivery.attempts > 0)) return delivery
        await written()
      }
    }
    return { db, webhooks, written, deliveryOf }
  }
  return { ...open(), restart: open }
}

/** A store that tells when the end of an attempt has been written down. */
function watched(store: WebhookStore): { store: WebhookStore; written: () => Promise<void> } {
  let waiters: (() => void)[] = []
  // After whoever wrote it has finished what belongs to it.
  const announce = () => {
    const now = waiters
    waiters = []
    queueMicrotask(() => {
      for (const resolve of now) resolve()
    })
  }
  return {
    store: {
      ...store,
      delivered(...given) {
        store.delivered(...given)
        announce()
      },
      attemptFailed(...given) {
        store.attemptFailed(...given)
        announce()
      }
    },
    written: () => new Promise((resolve) => waiters.push(resolve))
  }
}

test('a plan’s end is told once to every webhook of its project, signed and in the protocol’s words', async (t) => {
  const target = await startHookTarget(t)
  const { webhooks, deliveryOf } = setUp(t)
  const { secret } = webhooks.add('p_1', 'plan', target.url)
  webhooks.add('p_1', 'plan', `${target.url}/second`)
  webhooks.add('p_1', 'compensation', `${target.url}/compensations`)
  webhooks.add('p_2', 'plan', `${target.url}/another-project`)
  webhooks.noteEnd(planRecord())
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  webhooks.wake()
  const hooks = await target.came(2)
  await deliveryOf('o_1', 'delivered')
  assert.deepEqual(hooks.map(({ path }) => path).sort(), ['/hook', '/hook/second'])
  const hook = hooks.find(({ path }) => path === '/hook')
  assert.deepEqual(JSON.parse(hook?.body ?? ''), {
    event_id: `o_1-completed-${Date.parse('2026-11-24T12:00:00Z') / 1000}`,
    type: 'orchestration.completed',
    project_id: 'p_1',
    orchestration_id: 'o_1',
    status: 'completed',
    timestamp: '2026-11-24T12:00:00.250Z',
    results: [{ text: 'Hello' }]
  })
  const { headers } = hook ?? assert.fail()
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['user-agent'], 'orra/1.0')
  assert.equal(headers['x-orra-event'], 'orchestration.completed')
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(headers['x-outpost-signature'])) ?? []
  assert.equal(signature, createHmac('sha256', secret).update(`${time}.${hook?.body}`).digest('hex'))
  assert.ok(Math.abs(Number(time) * 1000 - Date.now()) < 60_000, 'signed with the time of sending')
  const deliveries = webhooks.deliveries('p_1')
  assert.equal(deliveries.length, 2)
  assert.ok(deliveries.some(({ id }) => id === headers['x-outpost-delivery']))
})

test('a failed compensation goes to the webhooks for that, and nothing is told of what was never carried out', async (t) => {
  const target = await startHookTarget(t)
  const { webhooks } = setUp(t)
  webhooks.add('p_1', 'plan', `${target.url}/plans`)
  webhooks.add('p_1', 'compensation', `${target.url}/compensations`)
  webhooks.noteEnd(planRecord({ id: 'o_2', status: 'not_actionable', results: null }))
  webhooks.noteEnd(planRecord({ id: 'o_3', status: 'failed', plan: null, results: null }))
  webhooks.noteEnd(planRecord({ id: 'o_4', status: 'cancelled', results: null }))
  webhooks.noteCompensationFailure(compensationFailure())
  webhooks.wake()
  const [hook] = await target.came(1)
  assert.equal(hook?.path, '/hook/compensations')
  assert.equal(hook.headers['x-orra-event'], 'compensation.failed')
  assert.deepEqual(
    webhooks.deliveries('p_1').map(({ planId, event }) => [planId, event]),
    [['o_1', 'compensation.failed']]
  )
})

test('a transaction that is taken back tells nobody', async (t) => {
  const target = await startHookTarget(t)
  const { db, webhooks } = setUp(t)
  webhooks.add('p_1', 'plan', target.url)
  const end = db.transaction(() => {
    webhooks.noteEnd(planRecord({ id: 'o_undone' }))
    throw new Error('taken back')
  })
  assert.throws(end, /taken back/)
  webhooks.noteEnd(planRecord({ id: 'o_done' }))
  webhooks.wake()
  await target.came(1)
  assert.deepEqual(
    webhooks.deliveries('p_1').map(({ planId }) => planId),
    ['o_done']
  )
})

test('a target that is down for an hour hears of everything when it is back, each once, and is not stormed meanwhile', async (t) => {
  const clock = createFakeClock()
  const { webhooks, deliveryOf } = setUp(t, { clock })
  const port = await freePort()
  webhooks.add('p_1', 'plan', `http://127.0.0.1:${port}/hook`)
  for (let index = 0; index < 300; index++) webhooks.noteEnd(planRecord({ id: `o_${index}` }))
  webhooks.wake()
  let passed = 0
  while (passed < hourMs) {
    await clock.timerSet()
    passed += clock.toNextTimer()
    webhooks.wake()
  }
  await clock.timerSet()
  const attempts = webhooks.deliveries('p_1', { limit: 1000 }).reduce((sum, delivery) => sum + delivery.attempts, 0)
  assert.ok(attempts < 40, `${attempts} attempts in an hour`)
  const target = await startHookTarget(t, undefined, port)
  clock.toNextTimer()
  const hooks = await target.came(300)
  assert.equal(new Set(hooks.map(({ body }) => body)).size, 300)
  assert.ok((await deliveryOf('o_0', 'delivered')).attempts > 1)
})

test('a dead target does not hold up the others', async (t) => {
  const silent = await startHookTarget(t, () => {})
  const target = await startHookTarget(t)
  const { webhooks } = setUp(t)
  webhooks.add('p_1', 'plan', silent.url)
  webhooks.add('p_1', 'plan', target.url)
  for (let index = 0; index < 50; index++) webhooks.noteEnd(planRecord({ id: `o_${index}` }))
  webhooks.wake()
  await target.came(50)
  assert.ok(silent.hooks.length <= 8, 'what is not answered is not followed by more')
})

test('what one target refuses is tried again later, and does not hold up what it takes', async (t) => {
  const clock = createFakeClock()
  const target = await startHookTarget(t, ({ body }, response, count) => {
    response.statusCode = body.includes('o_bad') && count < 10 ? 500 : 204
    response.end()
  })
  const { webhooks, deliveryOf } = setUp(t, { clock })
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord({ id: 'o_bad' }))
  for (let index = 0; index < 20; index++) webhooks.noteEnd(planRecord({ id: `o_${index}` }))
  webhooks.wake()
  await target.came(21)
  const refused = await deliveryOf('o_bad', 'waiting')
  assert.deepEqual([refused.status, refused.error], [500, 'answered 500'])
  await clock.timerSet()
  clock.toNextTimer()
  const delivered = await deliveryOf('o_bad', 'delivered')
  assert.deepEqual([delivered.attempts, delivered.status, delivered.error], [2, 204, null])
  const ids = target.hooks.filter(({ body }) => body.includes('o_bad')).map(({ headers }) => headers['x-outpost-delivery'])
  assert.deepEqual(ids, [delivered.id, delivered.id], 'a retry is known by its delivery')
})

test('a redirect is an answer, and not followed', async (t) => {
  const inner = await startHookTarget(t)
  const target = await startHookTarget(t, (_hook, response) => void response.writeHead(307, { location: inner.url }).end())
  const { webhooks, deliveryOf } = setUp(t)
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  const delivery = await deliveryOf('o_1', 'waiting')
  assert.equal(delivery.error, 'answered 307, a redirect, which is not followed')
  assert.equal(inner.hooks.length, 0)
})

test('a target that does not answer in time is tried again', async (t) => {
  const target = await startHookTarget(t, (_hook, response, count) => {
    if (count > 1) response.end()
  })
  const clock = createFakeClock()
  const { webhooks, deliveryOf } = setUp(t, { clock, timeoutMs: 50 })
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  assert.equal((await deliveryOf('o_1', 'waiting')).error, 'no answer within 0.05 s')
  await clock.timerSet()
  clock.toNextTimer()
  await deliveryOf('o_1', 'delivered')
})

test('an answer without end counts as soon as it begins, and is not read on', async (t) => {
  const { promise: cutOff, resolve } = Promise.withResolvers<void>()
  const target = await startHookTarget(t, (_hook, response) => {
    const more = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more)
    }
    more()
    response.once('close', () => {
      response.removeListener('drain', more)
      resolve()
    })
  })
  const { webhooks, deliveryOf } = setUp(t, { timeoutMs: 600_000 })
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  await deliveryOf('o_1', 'delivered')
  await cutOff
})

test('what was not sent before the process ended is sent by the next one', async (t) => {
  const port = await freePort()
  const { db, webhooks, restart } = setUp(t)
  const { secret } = webhooks.add('p_1', 'plan', `http://127.0.0.1:${port}/hook`)
  webhooks.noteEnd(planRecord({ id: 'o_noted' }))
  await webhooks.close()
  db.close()
  const target = await startHookTarget(t, undefined, port)
  const next = restart()
  assert.equal(next.webhooks.add('p_1', 'plan', `http://127.0.0.1:${port}/hook`).secret, secret, 'the same webhook, added again')
  assert.equal(next.webhooks.list('p_1').length, 1)
  next.webhooks.wake()
  await target.came(1, 'o_noted')
  await next.deliveryOf('o_noted', 'delivered')
})

test('a delivery that a stop cuts off is sent again under the same id', async (t) => {
  const target = await startHookTarget(t, (_hook, response, count) => {
    if (count > 1) response.end()
  })
  const { db, webhooks, restart } = setUp(t)
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  await target.came(1)
  await webhooks.close()
  db.close()
  const next = restart()
  assert.equal(next.webhooks.deliveries('p_1')[0]?.attempts, 0, 'what our own stop cut off is no failure of the target')
  next.webhooks.wake()
  const [first, second] = await target.came(2)
  assert.equal(first?.headers['x-outpost-delivery'], second?.headers['x-outpost-delivery'])
  await next.deliveryOf('o_1', 'delivered')
})

test('after a day without an answer a delivery is given up, and a person can have it sent all the same', async (t) => {
  const clock = createFakeClock()
  const { webhooks, deliveryOf, written } = setUp(t, { clock })
  const port = await freePort()
  webhooks.add('p_1', 'plan', `http://127.0.0.1:${port}/hook`)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  let passed = 0
  while (webhooks.deliveries('p_1')[0]?.state === 'waiting') {
    await clock.timerSet()
    const attempted = written()
    passed += clock.toNextTimer()
    await attempted
  }
  assert.ok(passed > 23.5 * hourMs && passed < 24.5 * hourMs, `${passed / hourMs} h`)
  const [failed] = webhooks.deliveries('p_1')
  assert.equal(failed?.nextAt, null)
  assert.match(failed.error ?? '', /ECONNREFUSED/)
  const target = await startHookTarget(t, undefined, port)
  webhooks.redeliver('p_1', failed.id)
  await target.came(1)
  await deliveryOf('o_1', 'delivered')
  assert.throws(() => webhooks.redeliver('p_2', failed.id), { code: 'not_found' })
})

test('a clock that is set forward gives nothing up, and one that is set back holds nothing up', async (t) => {
  const clock = createFakeClock()
  const { webhooks, deliveryOf, written } = setUp(t, { clock })
  const port = await freePort()
  webhooks.add('p_1', 'plan', `http://127.0.0.1:${port}/hook`)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  await deliveryOf('o_1', 'waiting')
  clock.setBy(400 * 24 * hourMs)
  await clock.timerSet()
  const attempted = written()
  clock.toNextTimer()
  await attempted
  assert.equal(webhooks.deliveries('p_1')[0]?.state, 'waiting')
  clock.setBy(-800 * 24 * hourMs)
  const target = await startHookTarget(t, undefined, port)
  await clock.timerSet()
  clock.toNextTimer()
  await target.came(1)
  await deliveryOf('o_1', 'delivered')
})

test('a webhook that is removed hears nothing more, and its deliveries stay on record', async (t) => {
  const { webhooks, deliveryOf } = setUp(t)
  const target = await startHookTarget(t)
  const { webhook } = webhooks.add('p_1', 'plan', `http://127.0.0.1:${await freePort()}/hook`)
  webhooks.noteEnd(planRecord())
  assert.throws(() => webhooks.remove('p_2', webhook.id), { code: 'not_found' })
  webhooks.remove('p_1', webhook.id)
  assert.deepEqual(webhooks.list('p_1'), [])
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord({ id: 'o_2' }))
  webhooks.wake()
  await deliveryOf('o_2', 'delivered')
  const [delivery] = webhooks.deliveries('p_1', { planId: 'o_1' })
  assert.deepEqual([delivery?.state, delivery?.error], ['failed', 'its webhook was removed'])
  assert.throws(() => webhooks.redeliver('p_1', delivery?.id ?? ''), { code: 'conflict' })
})

test('one after another goes over one connection, also when the target closes it in between', async (t) => {
  const target = await startHookTarget(t, (_hook, response, count) => {
    response.end()
    if (count === 2) response.socket?.once('drain', () => {}).destroySoon()
  })
  const { webhooks, deliveryOf } = setUp(t)
  webhooks.add('p_1', 'plan', target.url)
  for (const id of ['o_1', 'o_2', 'o_3']) {
    webhooks.noteEnd(planRecord({ id }))
    webhooks.wake()
    await deliveryOf(id, 'delivered')
  }
  assert.equal(target.connections(), 2)
  assert.deepEqual(
    webhooks.deliveries('p_1').map(({ attempts }) => attempts),
    [1, 1, 1]
  )
})

test('messages say by Via that they come from somewhere else, so that no server takes them for its own machine’s', async (t) => {
  const target = await startHookTarget(t)
  const { webhooks } = setUp(t)
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  const [hook] = await target.came(1)
  assert.equal(hook?.headers.via, '1.1 outpost')
})

test('an address that must not be called is refused, with what to do', async (t) => {
  const { webhooks } = setUp(t)
  assert.throws(() => webhooks.add('p_1', 'plan', 'nope'), { code: 'invalid_request', param: 'url' })
  assert.throws(() => webhooks.add('p_1', 'plan', 'http://169.254.169.254/latest'), { code: 'policy_denied' })
  assert.deepEqual(webhooks.list('p_1'), [])
})

test('an error of the target’s connection never ends the process', async (t) => {
  const { createServer } = await import('node:net')
  const server = createServer((socket) => void socket.end('nonsense\r\n\r\n')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(t, () => server.close())
  const address = server.address()
  const { webhooks, deliveryOf } = setUp(t)
  webhooks.add('p_1', 'plan', `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  assert.match((await deliveryOf('o_1', 'waiting')).error ?? '', /Parse Error|HTTP/)
})

test('a database that fails for a moment delays a delivery, and neither loses nor storms', async (t) => {
  const clock = createFakeClock()
  const target = await startHookTarget(t)
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  const { store, written } = watched(createWebhookStore(db))
  const failures = { due: 1, delivered: 1 }
  const failing: WebhookStore = {
    ...store,
    due(...given) {
      if (failures.due-- > 0) throw new Error('disk I/O error')
      return store.due(...given)
    },
    delivered(...given) {
      if (failures.delivered-- > 0) throw new Error('disk I/O error')
      store.delivered(...given)
    }
  }
  const webhooks = createWebhooks({ store: failing, guard, log, clock, closingMs: 50 })
  onEnd(t, async () => {
    await webhooks.close()
    db.close()
  })
  webhooks.add('p_1', 'plan', target.url)
  webhooks.noteEnd(planRecord())
  webhooks.wake()
  assert.equal(target.hooks.length, 0)
  clock.toNextTimer()
  await target.came(1)
  await clock.timerSet()
  const done = written()
  clock.toNextTimer()
  await done
  const ids = target.hooks.map(({ headers }) => headers['x-outpost-delivery'])
  assert.deepEqual([webhooks.deliveries('p_1')[0]?.state, new Set(ids).size, ids.length], ['delivered', 1, 2])
})
