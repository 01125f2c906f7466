import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { McpServer } from '#contracts/plan-tools.ts'
import { createLog } from '../../../server/log.ts'
import { createMcpConnection, type McpConnection, type McpTool } from '../../../server/plans/tools/mcp-connection.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { onEnd } from '../../helpers/on-end.ts'
import { descendantsOf, isAlive, until } from '../../helpers/processes.ts'
import { openFetch } from './test-fetch.ts'

const program = join(import.meta.dirname, 'mcp-server.ts')
type Stdio = Extract<McpServer, { transport: 'stdio' }>
const testServer = (environment: Record<string, string> = {}): Stdio => ({
  transport: 'stdio',
  command: process.execPath,
  arguments: [program],
  environment
})

function connect(t: TestContext, server: McpServer, options: { connectTimeoutMs?: number; logFile?: string } = {}) {
  const health: boolean[] = []
  const offered: McpTool[][] = []
  const connection = createMcpConnection({
    server,
    fetch: openFetch,
    log: createLog(options.logFile === undefined ? { level: 'silent' } : { level: 'debug', file: options.logFile }),
    onHealth: (connected) => health.push(connected),
    onTools: (tools) => offered.push(tools),
    restartMs: 5,
    connectTimeoutMs: options.connectTimeoutMs ?? 20_000
  })
  onEnd(t, () => connection.close())
  return { connection, health, offered }
}

const childrenOf = () => descendantsOf(process.pid).filter((pid) => isAlive(pid))
const call = (connection: McpConnection, name: string, args: Record<string, unknown> = {}, signal?: AbortSignal) =>
  connection.use((client) => client.callTool({ name, arguments: args }, { ...(signal === undefined ? {} : { signal }), timeout: 60_000 }))

test('a server that is a program is started, and says which tools it has', async (t) => {
  const { connection, health, offered } = connect(t, testServer())
  const tools = await connection.tools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['addNumbers', 'greet', 'environment', 'refuse', 'die', 'flood', 'hang']
  )
  assert.equal(connection.isConnected, true)
  assert.deepEqual([health, offered.length], [[true], 1])
  assert.deepEqual((await call(connection, 'addNumbers', { one: 1, other: 2 })).structuredContent, { sum: 3 })
})

test('a server sees the search path and what it was given of the environment, and none of our keys', async (t) => {
  process.env['OUTPOST_CANARY_KEY'] = 'secret of the gateway'
  t.after(() => delete process.env['OUTPOST_CANARY_KEY'])
  const { connection } = connect(t, testServer({ GIVEN: 'yes' }))
  await connection.tools()
  const [block] = (await call(connection, 'environment')).content
  assert.deepEqual(JSON.parse(block?.type === 'text' ? block.text : ''), ['GIVEN', 'PATH'])
})

test('a server that dies in the middle of a call fails the call, and is there again soon', async (t) => {
  const { connection, health } = connect(t, testServer())
  await connection.tools()
  await assert.rejects(call(connection, 'die'), { code: 'engine_failed' })
  await until(() => health.length === 3, 'the server is connected again')
  assert.deepEqual(health, [true, false, true])
  assert.deepEqual((await call(connection, 'addNumbers', { one: 2, other: 2 })).structuredContent, { sum: 4 })
})

test('a server that dies is there again also when something it started lives on, which is ended', async (t) => {
  const script = join(temporaryFolder(t), 'wrapped.sh')
  writeFileSync(script, `(trap '' TERM HUP; while :; do sleep 0.05; done) &\nexec ${process.execPath} ${program}\n`)
  const { connection, health } = connect(t, { transport: 'stdio', command: '/bin/sh', arguments: [script], environment: {} })
  await connection.tools()
  const started = childrenOf()
  await assert.rejects(call(connection, 'die'), { code: 'engine_failed' })
  await until(() => health.length === 3 && !started.some(isAlive), 'the first ones have ended and the server runs again')
})

test('what a server writes beside its messages does no harm', async (t) => {
  const { connection } = connect(t, testServer({ MOOD: 'chatty' }))
  assert.equal((await connection.tools()).length, 7)
})

test('nothing of a server is left when its connection is closed, also what it started itself', async (t) => {
  const folder = temporaryFolder(t)
  const script = join(folder, 'wrapped.sh')
  // A wrapper that is no server itself, beside something that holds its output open and ignores being asked to end.
  writeFileSync(script, `(trap '' TERM HUP; while :; do sleep 0.05; done) &\n${process.execPath} ${program}\n`)
  const { connection } = connect(t, { transport: 'stdio', command: '/bin/sh', arguments: [script], environment: {} })
  await connection.tools()
  const started = childrenOf()
  assert.ok(started.length >= 3, `shell, loop and server run: ${started}`)
  await connection.close()
  await until(() => !started.some(isAlive), 'all have ended')
  assert.equal(connection.isConnected, false)
})

test('a server that ends at the first question of the newer protocol is asked by the older', async (t) => {
  const { connection, health } = connect(t, testServer({ MOOD: 'exits at a strange question' }))
  assert.equal((await connection.tools()).length, 7)
  assert.deepEqual((await call(connection, 'addNumbers', { one: 1, other: 1 })).structuredContent, { sum: 2 })
  await assert.rejects(call(connection, 'die'), { code: 'engine_failed' })
  await until(() => health.length === 3, 'it is connected again, now by the older from the start')
})

test('a program that never answers is given up, and ended', async (t) => {
  const before = childrenOf()
  const { connection } = connect(t, testServer({ MOOD: 'silent' }), { connectTimeoutMs: 200 })
  await assert.rejects(connection.tools(), { code: 'engine_failed' })
  await connection.close()
  assert.deepEqual(
    childrenOf().filter((pid) => !before.includes(pid)),
    []
  )
})

test('a program that is not there is named', async (t) => {
  const { connection } = connect(t, { transport: 'stdio', command: '/nowhere/mcp', arguments: [], environment: {} })
  await assert.rejects(connection.tools(), { code: 'engine_failed', message: /\/nowhere\/mcp cannot be started: ENOENT/ })
  await assert.rejects(call(connection, 'greet'), { code: 'engine_failed' })
})

test('an answer over the limit fails the call and not the gateway', async (t) => {
  const { connection, health } = connect(t, testServer())
  await connection.tools()
  await assert.rejects(call(connection, 'flood'), { code: 'engine_failed' })
  await until(() => health.length === 3, 'the server is connected again')
})

test('a cancelled call is cancelled at the server, and what the server writes goes to the log without its secrets', async (t) => {
  const logFile = join(temporaryFolder(t), 'log')
  const { connection } = connect(t, testServer({ TOKEN: 'canary-token-1' }), { logFile })
  await connection.tools()
  const controller = new AbortController()
  const { promise: begun, resolve } = Promise.withResolvers<unknown>()
  const hanging = connection.use((client) => client.callTool({ name: 'hang' }, { signal: controller.signal, timeout: 60_000, onprogress: resolve }))
  assert.deepEqual(await begun, { progress: 1, total: 3, message: 'begun' })
  controller.abort()
  await assert.rejects(hanging)
  await until(() => readFileSync(logFile, 'utf8').includes('the call was cancelled'), 'the server has seen it')
  assert.match(readFileSync(logFile, 'utf8'), /the call was cancelled \(\[hidden\]\)/)
})
