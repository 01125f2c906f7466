import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { onEnd } from './on-end.ts'
import { connectPlanService, type Misbehaviour, type PlanServiceOptions } from './plan-service.ts'
import { createWitness } from './witness.ts'

// What fault tests of the plan engine rest on: the client itself, against the least that can be spoken with.

type Message = Record<string, unknown>
const request = { type: 'task_request', id: 'task1', input: { message: 'hi' }, executionId: 'e_1', idempotencyKey: 'k', serviceId: 's_x' }

/** Registers everyone as `s_x` and keeps what comes over the sockets. */
async function startEngine(t: TestContext, { acknowledges = true } = {}) {
  const messages = createWitness<Message>()
  const sockets = createWitness<WebSocket>()
  const server = createServer((_, response) => response.end(JSON.stringify({ id: 's_x', version: 1 })))
  const socketServer = new WebSocketServer({ server, maxPayload: 11 * 1024 * 1024 })
  socketServer.on('connection', (socket) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Message
      if (acknowledges && message['payload'] !== undefined) socket.send(JSON.stringify({ type: 'ACK', id: message['id'] }))
      messages.note(message)
    })
    sockets.note(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onEnd(t, () => {
    socketServer.close()
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // It listens on TCP.
  const connect = (options: Partial<PlanServiceOptions> = {}) =>
    connectPlanService(t, { url, projectKey: 'key', name: 'echo', handler: ({ input }) => ({ message: input['message'] }), ...options })
  const ask = (more: Message = {}) => sockets.items.at(-1)?.send(JSON.stringify({ ...request, ...more }))
  return { messages, sockets, connect, ask }
}

const isResult = ({ payload }: Message) => (payload as Message | undefined)?.['type'] === 'task_result'
const payloadOf = (message: Message) => message['payload'] as Message

test('a service does work once, and answers again under the new sending when it is asked again', async (t) => {
  const { messages, connect, ask } = await startEngine(t)
  const service = await connect()
  ask()
  await messages.first(isResult)
  ask({ executionId: 'e_2' })
  const results = (await messages.count(2, isResult)).map(payloadOf)
  assert.deepEqual(
    results.map(({ executionId, result }) => [executionId, result]),
    [
      ['e_1', { task: { message: 'hi' }, compensation: null }],
      ['e_2', { task: { message: 'hi' }, compensation: null }]
    ]
  )
  assert.deepEqual([...service.runs], [['k', 1]])
})

test('asked again while it works, a service says so', async (t) => {
  const { messages, connect, ask } = await startEngine(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  await connect({ handler: () => promise })
  ask()
  ask({ executionId: 'e_2' })
  const status = payloadOf(await messages.first(({ payload }) => (payload as Message)['type'] === 'task_status'))
  assert.deepEqual([status['executionId'], status['status']], ['e_2', 'in_progress'])
  resolve()
  await messages.first(isResult)
})

test('a failure is not kept: the next attempt runs', async (t) => {
  const { messages, connect, ask } = await startEngine(t)
  let runs = 0
  await connect({
    handler() {
      if (++runs === 1) throw new Error('not yet')
      return {}
    }
  })
  ask()
  assert.deepEqual([payloadOf(await messages.first(isResult))['error'], payloadOf(await messages.first(isResult))['result']], ['not yet', null])
  ask()
  const [, second] = await messages.count(2, isResult)
  assert.equal(payloadOf(second as Message)['error'], null)
})

for (const [sdk, wrapped] of [
  ['python', true],
  ['javascript', false]
] as const) {
  test(`what was not acknowledged goes again after the next connection, ${wrapped ? 'wrapped' : 'bare'} with ${sdk}`, async (t) => {
    const { messages, sockets, connect, ask } = await startEngine(t, { acknowledges: false })
    const service = await connect({ sdk })
    ask()
    await messages.first(isResult)
    sockets.items[0]?.terminate()
    await sockets.count(2)
    const [, again] = await messages.count(2, (message) => isResult(message) || message['type'] === 'task_result')
    assert.equal(isResult(again as Message), wrapped)
    assert.deepEqual([...service.runs.values()], [1])
  })
}

test('an aborted task is told once with python, whoever asks again', async (t) => {
  const { messages, connect, ask } = await startEngine(t)
  await connect({ handler: ({ abort, idempotencyKey }) => (idempotencyKey === 'k' ? abort({ why: 'no' }) : {}) })
  ask()
  await messages.first()
  ask({ executionId: 'e_2' })
  ask({ executionId: 'e_3', idempotencyKey: 'another' })
  assert.equal(payloadOf(await messages.first(isResult))['executionId'], 'e_3')
})

test('an aborted task is told again as a result of its own with javascript', async (t) => {
  const { messages, connect, ask } = await startEngine(t)
  await connect({ sdk: 'javascript', handler: ({ abort }) => abort({ why: 'no' }) })
  ask()
  const told = payloadOf(await messages.first())
  assert.deepEqual([told['type'], told['result']], ['task_abort_result', { task: { why: 'no' } }])
  ask({ executionId: 'e_2' })
  assert.deepEqual(payloadOf(await messages.first(isResult))['result'], { task: { why: 'no' }, status: 'aborted' })
})

test('what a revertible service stores comes back to its revert handler', async (t) => {
  const { messages, connect, ask } = await startEngine(t)
  const seen: unknown[] = []
  await connect({
    revertible: true,
    revertTtlMs: 500,
    revert: (_, { taskResult }) => {
      seen.push(taskResult)
      return { partial: { completed: ['a'], remaining: ['b'] } }
    }
  })
  ask()
  const { compensation } = payloadOf(await messages.first(isResult))['result'] as { compensation: { data: object; ttl: number } }
  assert.equal(compensation.ttl, 500)
  ask({ type: 'compensation_request', input: compensation.data, idempotencyKey: 'c', executionId: 'e_comp_1' })
  const [, reverted] = await messages.count(2, isResult)
  assert.deepEqual(payloadOf(reverted as Message)['result'], { status: 'partial', partial: { completed: ['a'], remaining: ['b'] } })
  assert.deepEqual(seen, [{ message: 'hi' }])
})

test('a service misbehaves as it is told', async (t) => {
  const { messages, sockets, connect, ask } = await startEngine(t)
  const service = await connect()
  let results = 0
  const answerOf = async (misbehaviour: Misbehaviour, more: Message = {}) => {
    service.misbehaviour = misbehaviour
    ask({ idempotencyKey: misbehaviour.type, ...more })
    const all = await messages.count(++results, isResult)
    return payloadOf(all.at(-1) as Message)
  }
  assert.equal((await answerOf({ type: 'answers-for', other: { taskId: 'task9' } }))['taskId'], 'task9')
  const huge = await answerOf({ type: 'huge-result', bytes: 1_000_000 })
  assert.equal(((huge['result'] as Message)['task'] as { message: string }).message.length, 1_000_000)
  await answerOf({ type: 'answers-twice' })
  await messages.count(++results, isResult)
  for (const type of ['drops-before-answer', 'drops-after-answer'] as const) {
    const connections = sockets.items.length
    await answerOf({ type })
    await sockets.count(connections + 1)
  }
  service.misbehaviour = { type: 'drops-at-receipt' }
  ask({ idempotencyKey: 'dropped' })
  await service.connection.count(2, ({ type }) => type === 'close')
  assert.equal(service.runs.has('dropped'), false)
})

test('a service that the engine refuses says how it was refused', async (t) => {
  const server = createServer((_, response) => response.end(JSON.stringify({ id: 's_x', version: 1 })))
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onEnd(t, () => new Promise((resolve) => server.close(resolve)))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await assert.rejects(connectPlanService(t, { url, projectKey: 'key', name: 'echo', handler: () => ({}) }), /refused.*403/)
})
