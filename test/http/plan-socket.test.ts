import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { WebSocket } from 'ws'
import { registerErrorHandler } from '../../server/http/plugins/errors.ts'
import { isServiceUpgrade, registerPlanSocket } from '../../server/http/routes/plan-socket.ts'
import { createLog } from '../../server/log.ts'
import type { PlanEngine } from '../../server/plans/plan-engine.ts'
import { createServiceConnections } from '../../server/plans/services/connections.ts'
import { registerService } from '../../server/plans/services/register-service.ts'
import type { TaskMessage } from '../../server/plans/services/service-host.ts'
import { openDatabase } from '../../server/store/database.ts'
import { createPlanServiceStore } from '../../server/store/plan-services.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { problemOf } from '../helpers/problem.ts'

const key = 'sk-orra-v1-canary'
const schema = { type: 'object', properties: { text: { type: 'string' } } }
const registration = { name: 'echo', description: 'says it again', schema: { input: schema, output: schema }, revertible: false }

/** A server with the route, on services and connections as they are. */
async function startServer(t: TestContext, file = join(temporaryFolder(t), 'outpost.db'), port = 0) {
  const keys = new Map([
    [key, { projectId: 'p_1', keyId: 'key-1' }],
    ['other-key', { projectId: 'p_2', keyId: 'key-2' }]
  ])
  const db = openDatabase(file)
  const store = createPlanServiceStore(db)
  const waiting: ((message: TaskMessage) => void)[] = []
  const messages: TaskMessage[] = []
  const logFile = `${file}.log`
  const log = createLog({ level: 'trace', file: logFile })
  const connections = createServiceConnections({
    events: {
      onMessage: (message) => {
        const next = waiting.shift()
        if (next === undefined) messages.push(message)
        else next(message)
      },
      onHealth: () => {},
      onInDoubt: () => {}
    },
    log
  })
  const seen = (service: ReturnType<typeof store.find>) => ({
    ...service,
    healthy: connections.isHealthy(service),
    instances: connections.instances(service.id)
  })
  const services: PlanEngine['services'] = {
    register: (projectId, kind, given) => registerService(store, projectId, kind, given).service,
    list: (projectId) => store.list(projectId).map(seen),
    find: (projectId, id) => seen(store.find(projectId, id)),
    remove: (projectId, id) => store.remove(projectId, id),
    connect: (projectId, id, client, socket) => connections.connect(store.find(projectId, id), client, socket)
  }
  const app = Fastify({ forceCloseConnections: true, http: { shouldUpgradeCallback: isServiceUpgrade } })
  registerErrorHandler(app, { log, maxBody: 1024 })
  await registerPlanSocket(app, { engine: { services }, log, authenticate: (secret) => keys.get(secret) })
  app.post('/elsewhere', async (request) => request.body)
  const url = await app.listen({ port, host: '127.0.0.1' })
  let stopped = false
  const stop = async () => {
    if (stopped) return
    stopped = true
    connections.close()
    await app.close()
    db.close()
  }
  onEnd(t, stop)
  return {
    url,
    port: Number(new URL(url).port),
    keys,
    store,
    logFile,
    connections,
    services,
    stop,
    message: () =>
      new Promise<TaskMessage>((resolve) => {
        const past = messages.shift()
        if (past === undefined) waiting.push(resolve)
        else resolve(past)
      })
  }
}

/** A program of a service, connected by a real WebSocket. */
async function connect(t: TestContext, server: { url: string }, query: string, options: object = {}) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?${query}`, options)
  onEnd(t, () => socket.terminate())
  const received: Record<string, unknown>[] = []
  const waiting: ((message: Record<string, unknown>) => void)[] = []
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    const next = waiting.shift()
    if (next === undefined) received.push(message)
    else next(message)
  })
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }))
  await once(socket, 'open')
  return {
    socket,
    closed,
    next: () =>
      new Promise<Record<string, unknown>>((resolve) => {
        const past = received.shift()
        if (past === undefined) waiting.push(resolve)
        else resolve(past)
      })
  }
}

/** How the server refuses an upgrade. */
async function refusal(server: { url: string }, query: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws${query}`, { headers })
  const [, response] = await once(socket, 'unexpected-response')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode as number, body }
}

let sent = 0
const taskFor = (input: object = { text: 'hi' }) => ({
  kind: 'task' as const,
  planId: 'o_1',
  taskId: 'task1',
  executionId: `e_${++sent}`,
  idempotencyKey: `key-${sent}`,
  input: input as { text: string },
  inDoubt: false
})
const resultOf = (task: ReturnType<typeof taskFor>, result: unknown) => ({
  type: 'task_result',
  taskId: task.taskId,
  executionId: task.executionId,
  idempotencyKey: task.idempotencyKey,
  serviceId: 'ignored',
  result,
  error: null
})

test('a service connects with its key in the query or as a bearer token, gets a task and answers it', async (t) => {
  const server = await startServer(t)
  const service = server.services.register('p_1', 'service', registration)
  const byQuery = await connect(t, server, `serviceId=${service.id}&apiKey=${key}`)
  assert.equal(server.services.find('p_1', service.id).healthy, true)
  const task = taskFor()
  assert.equal(server.connections.send(service, task), true)
  const { executionId, idempotencyKey } = task
  assert.deepEqual(await byQuery.next(), {
    type: 'task_request',
    id: 'task1',
    input: { text: 'hi' },
    executionId,
    idempotencyKey,
    serviceId: service.id
  })
  byQuery.socket.send(JSON.stringify({ id: 'm-1', payload: resultOf(task, { task: { text: 'ho' } }) }))
  assert.deepEqual(await byQuery.next(), { type: 'ACK', id: 'm-1' })
  const message = await server.message()
  assert.deepEqual(message.type === 'completed' && message.output, { text: 'ho' })

  await connect(t, server, `serviceId=${service.id}&instance=b`, { headers: { authorization: `Bearer ${key}` } })
  assert.equal(server.services.find('p_1', service.id).instances, 2)
  byQuery.socket.close()
  await byQuery.closed
})

test('a bad key, an unknown service and one of another project are refused before the upgrade, without the key in the answer', async (t) => {
  const server = await startServer(t)
  const { id } = server.services.register('p_1', 'service', registration)
  for (const query of [
    '',
    `?serviceId=${id}`,
    `?serviceId=${id}&apiKey=`,
    `?serviceId=${id}&apiKey=wrong`,
    `?serviceId=${id}&apiKey=${key}&apiKey=${key}`
  ]) {
    assert.deepEqual(await refusal(server, query), { status: 403, body: '' }, query)
  }
  assert.deepEqual(await refusal(server, `?serviceId=${id}&apiKey=${key}`, { authorization: 'Bearer wrong' }), { status: 403, body: '' })
  for (const query of [`?serviceId=s_unknown&apiKey=${key}`, `?serviceId=${id}&apiKey=other-key`]) {
    const { status, body } = await refusal(server, query)
    assert.equal(status, 404, query)
    assert.equal(JSON.parse(body).error.code, 'not_found')
    assert.doesNotMatch(body, /canary|other-key/)
  }
  for (const query of [`?apiKey=${key}`, `?serviceId=&apiKey=${key}`, `?serviceId=${id}&apiKey=${key}&instance=${'x'.repeat(200)}`]) {
    const { status, body } = await refusal(server, query)
    assert.equal(status, 400, query)
    assert.doesNotMatch(body, /canary/)
  }
  assert.deepEqual(await problemOf(await fetch(`${server.url}/ws?serviceId=${id}&apiKey=${key}`)), {
    status: 400,
    code: 'invalid_request',
    message: 'services connect here by WebSocket; use a ws:// or wss:// address'
  })
})

test('a result of 10 MiB arrives, and a frame far beyond that closes the connection with the code for it', async (t) => {
  const server = await startServer(t)
  const service = server.services.register('p_1', 'service', registration)
  const program = await connect(t, server, `serviceId=${service.id}&apiKey=${key}`)
  const task = taskFor()
  server.connections.send(service, task)
  await program.next()
  const text = 'x'.repeat(10 * 1024 * 1024)
  program.socket.send(JSON.stringify({ id: 'large', payload: resultOf(task, { task: { text } }) }))
  assert.deepEqual(await program.next(), { type: 'ACK', id: 'large' })
  const message = await server.message()
  assert.deepEqual(message.type === 'completed' && message.output, { text })

  program.socket.send('x'.repeat(33 * 1024 * 1024))
  assert.equal((await program.closed).code, 1009)
})

test('frames that are no text close the connection', async (t) => {
  const server = await startServer(t)
  const { id } = server.services.register('p_1', 'service', registration)
  const binary = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  binary.socket.send(Buffer.from([1, 2, 3]))
  assert.equal((await binary.closed).code, 1003)
  const broken = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  broken.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
  assert.equal((await broken.closed).code, 1007)
})

test('garbage does not end a connection', async (t) => {
  const server = await startServer(t)
  const { id } = server.services.register('p_1', 'service', registration)
  const program = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  for (const text of ['{', '[]', 'null', '{"id":1}', '[['.repeat(700_000)]) program.socket.send(text)
  program.socket.send('{"id":"after","payload":{"type":"whatever"}}')
  assert.deepEqual(await program.next(), { type: 'ACK', id: 'after' })
})

test('a revoked key ends its connections, and cannot come again', async (t) => {
  const server = await startServer(t)
  const { id } = server.services.register('p_1', 'service', registration)
  const program = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  server.keys.delete(key)
  server.connections.keyRevoked('key-1')
  assert.deepEqual(await program.closed, { code: 4403, reason: 'the key was revoked' })
  assert.equal((await refusal(server, `?serviceId=${id}&apiKey=${key}`)).status, 403)
})

test('two programs of one service share its tasks, and the one that goes does not take the other away', async (t) => {
  const server = await startServer(t)
  const service = server.services.register('p_1', 'service', registration)
  const one = await connect(t, server, `serviceId=${service.id}&apiKey=${key}&instance=one`)
  const two = await connect(t, server, `serviceId=${service.id}&apiKey=${key}&instance=two`)
  const tasks = [taskFor(), taskFor()]
  for (const task of tasks) server.connections.send(service, task)
  const got = [await one.next(), await two.next()].map(({ executionId }) => executionId)
  assert.deepEqual(got.sort(), tasks.map(({ executionId }) => executionId).sort())
  one.socket.close()
  await one.closed
  const third = taskFor()
  assert.equal(server.connections.send(service, third), true)
  assert.equal((await two.next())['executionId'], third.executionId)
})

test('the server stops with a reason, and after a restart the program comes again without registering and hands in what it kept', async (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  const first = await startServer(t, file)
  const service = first.services.register('p_1', 'service', registration)
  const program = await connect(t, first, `serviceId=${service.id}&apiKey=${key}`)
  const task = taskFor()
  first.connections.send(service, task)
  await program.next()
  await first.stop()
  assert.deepEqual(await program.closed, { code: 1001, reason: 'the server is stopping' })

  const second = await startServer(t, file, first.port)
  const again = await connect(t, second, `serviceId=${service.id}&apiKey=${key}`)
  // As the JavaScript client does: bare, and at once.
  again.socket.send(JSON.stringify(resultOf(task, { task: { text: 'ho' } })))
  const message = await second.message()
  assert.deepEqual(message.type === 'completed' && message.output, { text: 'ho' })
  assert.equal(message.unasked, true)
  assert.equal(message.serviceId, service.id)
})

test('what a client sends in the very moment of connecting is not lost', async (t) => {
  const server = await startServer(t)
  const service = server.services.register('p_1', 'service', registration)
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?serviceId=${service.id}&apiKey=${key}`)
  onEnd(t, () => socket.terminate())
  socket.on('open', () => {
    for (let number = 0; number < 50; number++) socket.send(JSON.stringify({ id: `m-${number}`, payload: resultOf(taskFor(), { task: { number } }) }))
  })
  for (let number = 0; number < 50; number++) {
    const message = await server.message()
    assert.deepEqual(message.type === 'completed' && message.output, { number }, 'in the order they were sent')
  }
})

test('a program that vanishes without a word does not hold up the end of the server', { timeout: 15_000 }, async (t) => {
  const server = await startServer(t)
  const { id } = server.services.register('p_1', 'service', registration)
  const program = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  program.socket.pause()
  await server.stop()
})

test('a request that only offers another protocol, as Java’s client does with each, is answered as usual', async (t) => {
  const server = await startServer(t)
  const socket = createConnection(server.port, '127.0.0.1')
  onEnd(t, () => socket.destroy())
  const body = '{"model":"m"}'
  for (const [path, offer] of [
    ['/elsewhere', 'h2c'],
    ['/elsewhere', 'websocket']
  ]) {
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${offer}\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    )
    let answer = ''
    while (!answer.endsWith(body)) answer += String((await once(socket, 'data'))[0])
    assert.match(answer, /^HTTP\/1\.1 200 /)
  }
})

test('a key in the query never gets into the log', async (t) => {
  const server = await startServer(t)
  const { id } = server.services.register('p_1', 'service', registration)
  for (const query of [`?serviceId=s_unknown&apiKey=${key}`, `?serviceId=${id}&apiKey=wrong-canary`, `?apiKey=${key}`]) await refusal(server, query)
  const program = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  program.socket.send('x'.repeat(33 * 1024 * 1024))
  await program.closed
  const revoked = await connect(t, server, `serviceId=${id}&apiKey=${key}`)
  server.connections.keyRevoked('key-1')
  await revoked.closed
  const log = readFileSync(server.logFile, 'utf8')
  assert.match(log, /WS_ERR_UNSUPPORTED_MESSAGE_LENGTH/)
  assert.match(log, /"code":4403/)
  assert.doesNotMatch(log, /canary/)
})
