import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { EmbedRequest } from '#contracts/chat.ts'
import { recorder } from '../helpers/events.ts'
import { chat, client, testDispatcher, testRedis, testWorker } from '../helpers/queue.ts'

test('a job goes to a worker and its events come back in order, ending once', async (t) => {
  const site = await testRedis(t)
  const { dispatcher, receiptOf } = await testDispatcher(t, site)
  await testWorker(t, site)
  const reader = recorder()
  const { jobId } = await dispatcher.submit(chat('tokens=3', { lane: 'interactive' }), reader.listener)
  await reader.ended()
  assert.deepEqual(
    reader.kept().map((event) => event.type),
    ['generation-start', 'sequence-start', 'text-delta', 'text-delta', 'text-delta', 'sequence-end', 'generation-end']
  )
  assert.deepEqual(
    reader.kept().map((event) => event.seq),
    [0, 1, 2, 3, 4, 5, 6]
  )
  assert.equal(reader.text(), 'the quick brown')
  const receipt = await receiptOf(jobId)
  assert.equal(receipt.usage.completionTokens, 3)
  assert.equal(receipt.lane, 'interactive')
  assert.equal(receipt.finishReason, 'stop')
  assert.equal(dispatcher.inFlight(), 0)
})

test('an embedding job brings a vector for each text', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site)
  await testWorker(t, site)
  const reader = recorder()
  const request = EmbedRequest.parse({ model: 'fake', input: ['one', 'two'] })
  await dispatcher.submit({ kind: 'embed', request, client, lane: 'normal', priority: 0, requestId: 'r', detached: false }, reader.listener)
  await reader.ended()
  assert.deepEqual(
    reader.kept().map((event) => event.type),
    ['generation-start', 'embedding', 'embedding', 'generation-end']
  )
})

test('waiting jobs run by lane, then by their priority, then in the order they came', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site)
  const order: string[] = []
  const ends: Promise<unknown>[] = []
  const submit = async (name: string, options: Parameters<typeof chat>[1]) => {
    const reader = recorder()
    ends.push(
      reader.heard((event) => event.type === 'generation-start').then(() => order.push(name)),
      reader.ended()
    )
    await dispatcher.submit(chat('', options), reader.listener)
  }
  await submit('batch', { lane: 'batch' })
  await submit('normal 1', { lane: 'normal' })
  await submit('normal 2', { lane: 'normal' })
  await submit('normal urgent', { lane: 'normal', priority: -5 })
  await submit('interactive', { lane: 'interactive' })
  await testWorker(t, site)
  await Promise.all(ends)
  assert.deepEqual(order, ['interactive', 'normal urgent', 'normal 1', 'normal 2', 'batch'])
})

test('who waits is told the position', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site)
  const first = recorder()
  const second = recorder()
  await dispatcher.submit(chat(), first.listener)
  await dispatcher.submit(chat(), second.listener)
  const told = await second.heard((event) => event.type === 'job-queued')
  assert.equal(told.type === 'job-queued' && told.position, 2)
  assert.equal(told.seq, -1)
  const [queue] = await dispatcher.queues()
  assert.deepEqual(
    queue?.jobs.map((job) => job.position),
    [1, 2]
  )
  assert.equal(queue?.lanes.normal, 2)
})

test('a model whose queue is full says when to come back, and takes work again later', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site, { maxQueue: 1, slots: 1 })
  const readers = [recorder(), recorder()]
  for (const reader of readers) await dispatcher.submit(chat(), reader.listener)
  await assert.rejects(
    dispatcher.submit(chat(), () => {}),
    (error: { code: string; retryAfter: number }) => error.code === 'queue_full' && error.retryAfter >= 1
  )
  await testWorker(t, site)
  await Promise.all(readers.map((reader) => reader.ended()))
  const reader = recorder()
  await dispatcher.submit(chat(), reader.listener)
  assert.equal((await reader.ended()).type, 'generation-end')
})

test('beside those that run, no more than the limit may wait', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site, { maxQueue: 1, slots: 2 })
  await testWorker(t, site, { slots: 2 })
  const running = [recorder(), recorder()]
  for (const reader of running) await dispatcher.submit(chat('tokens=100000 stepMs=1'), reader.listener)
  await Promise.all(running.map((reader) => reader.heard((event) => event.type === 'text-delta')))
  await dispatcher.submit(chat(), () => {})
  await assert.rejects(
    dispatcher.submit(chat(), () => {}),
    { code: 'queue_full', message: /^1 requests? wait/ }
  )
})

test('a reader that leaves stops the engine, and is booked all the same', async (t) => {
  const site = await testRedis(t)
  const { dispatcher, receiptOf } = await testDispatcher(t, site)
  await testWorker(t, site)
  const reader = recorder()
  const handle = await dispatcher.submit(chat('tokens=100000 stepMs=1'), reader.listener)
  await reader.heard((event) => event.type === 'text-delta')
  handle.leave('client_gone')
  const receipt = await receiptOf(handle.jobId)
  assert.equal(receipt.finishReason, 'cancelled')
  assert.equal(receipt.errorCode, 'client_gone')
  assert.ok(receipt.usage.completionTokens > 0 && receipt.usage.completionTokens < 100_000)
})

test('a reader that leaves while waiting takes its job out of the queue', async (t) => {
  const site = await testRedis(t)
  const { dispatcher, receiptOf } = await testDispatcher(t, site)
  const handle = await dispatcher.submit(chat(), () => {})
  handle.leave('client_gone')
  const receipt = await receiptOf(handle.jobId)
  assert.equal(receipt.usage.completionTokens, 0)
  assert.equal(receipt.errorCode, 'client_gone')
  assert.equal((await dispatcher.queues())[0]?.waiting, 0)
})

test('an administrator can cancel a running job; its reader gets what there is', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site)
  await testWorker(t, site)
  const reader = recorder()
  const { jobId } = await dispatcher.submit(chat('tokens=100000 stepMs=1'), reader.listener)
  await reader.heard((event) => event.type === 'text-delta')
  assert.equal(await dispatcher.cancel(jobId), true)
  await reader.ended()
  const end = reader.kept().find((event) => event.type === 'sequence-end')
  assert.equal(end?.type === 'sequence-end' && end.finishReason, 'cancelled')
  assert.equal(await dispatcher.cancel('nothing-of-this-name'), false)
})

test("an engine's error ends the stream with its code", async (t) => {
  const site = await testRedis(t)
  const { dispatcher, receiptOf } = await testDispatcher(t, site)
  await testWorker(t, site)
  const reader = recorder()
  const { jobId } = await dispatcher.submit(chat('tokens=5 failAfter=2 fail=engine_failed'), reader.listener)
  const last = await reader.ended()
  assert.equal(last.type === 'error' && last.code, 'engine_failed')
  assert.equal((await receiptOf(jobId)).errorCode, 'engine_failed')
})

test('a large request travels as a blob, which is gone when the job has ended', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site)
  const reader = recorder()
  const content = `fake: tokens=2\n${'long '.repeat(1000)}${'x'.repeat(40_000)}`
  const { jobId } = await dispatcher.submit(chat('', { content }), reader.listener)
  assert.deepEqual(readdirSync(`${site.home}/blobs`), [jobId])
  await testWorker(t, site)
  assert.equal((await reader.ended()).type, 'generation-end')
  while (readdirSync(`${site.home}/blobs`).length > 0) await new Promise(setImmediate)
})

test('a detached job goes on without its reader, and can be read again from any event', async (t) => {
  const site = await testRedis(t)
  const { dispatcher, receiptOf } = await testDispatcher(t, site)
  await testWorker(t, site)
  const reader = recorder()
  const handle = await dispatcher.submit(chat('tokens=40 stepMs=2', { detached: true }), reader.listener)
  await reader.heard((event) => event.type === 'text-delta')
  handle.leave('client_gone')
  const again = recorder()
  const followed = await dispatcher.follow(handle.jobId, reader.events.at(-1)!.seq, again.listener)
  assert.equal(followed.clientId, 'local')
  await again.ended()
  const seqs = [...reader.kept(), ...again.kept()].map((event) => event.seq)
  assert.deepEqual(
    seqs,
    seqs.map((_, i) => i),
    'no event is lost, none comes twice'
  )
  assert.equal((await receiptOf(handle.jobId)).usage.completionTokens, 40)
  const late = recorder()
  await dispatcher.follow(handle.jobId, -1, late.listener)
  await late.ended()
  assert.equal(late.text(), [...reader.events, ...again.events].map((event) => (event.type === 'text-delta' ? event.text : '')).join(''))
  await assert.rejects(
    dispatcher.follow('0123', -1, () => {}),
    { code: 'not_found' }
  )
})

test('a revoked key ends what runs and what waits with it, detached jobs too, and nobody else’s', async (t) => {
  const site = await testRedis(t)
  const { dispatcher, receiptOf } = await testDispatcher(t, site)
  await testWorker(t, site, { slots: 2 })
  const key = { ...client, id: 'key-1' }
  const readers = [recorder(), recorder(), recorder()] as const
  const running = await dispatcher.submit(chat('tokens=100000 stepMs=1', { client: key, detached: true }), readers[0].listener)
  const other = await dispatcher.submit(chat('tokens=100000 stepMs=1', { detached: true }), readers[1].listener)
  await Promise.all(readers.slice(0, 2).map((reader) => reader.heard((event) => event.type === 'text-delta')))
  const waiting = await dispatcher.submit(chat('', { client: key, detached: true }), readers[2].listener)
  dispatcher.keyRevoked('key-1')
  assert.equal((await receiptOf(running.jobId)).errorCode, 'key_revoked')
  assert.equal((await receiptOf(waiting.jobId)).errorCode, 'key_revoked')
  assert.equal(readers[2].text(), '')
  assert.equal(await dispatcher.cancel(other.jobId), true, 'it still runs')
})

test('while Redis is away, looking at the queue and following a job say so', async (t) => {
  const site = await testRedis(t)
  const { dispatcher } = await testDispatcher(t, site)
  const { jobId } = await dispatcher.submit(chat('', { detached: true }), () => {})
  await site.redis.stop()
  await assert.rejects(dispatcher.queues(), { code: 'queue_unavailable', retryAfter: 1 })
  await assert.rejects(
    dispatcher.follow(jobId, -1, () => {}),
    { code: 'queue_unavailable' }
  )
})

test('what a detached job had said before the server ended is booked', async (t) => {
  const site = await testRedis(t)
  const before = await testDispatcher(t, site)
  const worker = await testWorker(t, site)
  const reader = recorder()
  const { jobId } = await before.dispatcher.submit(chat('tokens=100000 stepMs=1', { detached: true }), reader.listener)
  await reader.heard((event) => event.type === 'text-delta')
  await worker.stop()
  await before.close()
  const after = await testDispatcher(t, site)
  await after.dispatcher.recover()
  const receipt = await after.receiptOf(jobId)
  assert.equal(receipt.errorCode, 'worker_lost')
  assert.ok(receipt.usage.completionTokens > 0)
})
