import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JsonObject, Service } from '#contracts/plan.ts'
import { AppError } from '../../../server/errors.ts'
import { createLog } from '../../../server/log.ts'
import type { TaskMessage, TaskRequest } from '../../../server/plans/services/service-host.ts'
import type { Tool, ToolCall } from '../../../server/plans/tools/tool.ts'
import { createToolHost } from '../../../server/plans/tools/tool-host.ts'
import { onEnd } from '../../helpers/on-end.ts'

const service: Service = {
  id: 's_tool',
  projectId: 'p',
  kind: 'service',
  name: 'test.tool',
  description: 'A tool.',
  input: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
  output: { type: 'object', properties: {} },
  revertible: false,
  approval: false,
  version: 1,
  origin: 'http',
  registeredAt: 0
}

type Run = { call: ToolCall; signal: AbortSignal; end: (output: JsonObject) => void; fail: (error: Error) => void }

/** A host with one tool, whose calls the test ends. `next`: the message after those that were read. */
function start(t: TestContext) {
  const runs: Run[] = []
  const messages: TaskMessage[] = []
  const waiting: (() => void)[] = []
  const state = { healthy: true, now: 1_000 }
  const tool: Tool = {
    ...service,
    operation: 'tool',
    isHealthy: () => state.healthy,
    run(call, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
      signal.addEventListener('abort', () => reject(signal.reason))
      runs.push({ call, signal, end: resolve, fail: reject })
      return promise
    }
  }
  const host = createToolHost({
    find: (id) => (id === service.id ? tool : undefined),
    events: {
      onMessage(message) {
        messages.push(message)
        for (const wake of waiting.splice(0)) wake()
      }
    },
    log: createLog({ level: 'silent' }),
    now: () => state.now
  })
  onEnd(t, () => host.close())
  let read = 0
  async function next(): Promise<TaskMessage> {
    while (messages.length <= read) await new Promise<void>((wake) => waiting.push(wake))
    return messages[read++] as TaskMessage // There is one, by the line above.
  }
  return { host, runs, messages, next, state }
}

const request = (executionId: string, more: Partial<TaskRequest> = {}): TaskRequest => ({
  kind: 'task',
  planId: 'o_1',
  taskId: 'task1',
  executionId,
  idempotencyKey: 'work',
  input: { a: 'x' },
  inDoubt: false,
  ...more
})
const about = (executionId: string) => ({ serviceId: 's_tool', executionId, taskId: 'task1', idempotencyKey: 'work' })

test('a task is accepted, shows its progress, and is completed', async (t) => {
  const { host, runs, messages, next } = start(t)
  assert.equal(host.isHealthy(service), true)
  assert.equal(host.send(service, request('e_1')), true)
  assert.deepEqual(messages, [], 'nothing comes before the sending has returned')
  assert.deepEqual(await next(), { ...about('e_1'), type: 'accepted' })
  runs[0]?.call.interim({ percent: 50 })
  assert.deepEqual(await next(), { ...about('e_1'), type: 'interim', messageId: 'e_1.1', data: { percent: 50 } })
  runs[0]?.end({ b: 1 })
  assert.deepEqual(await next(), { ...about('e_1'), type: 'completed', output: { b: 1 }, raw: { b: 1 } })
})

test('work that is sent again while it runs is done once, and answered to who asked last', async (t) => {
  const { host, runs, messages, next } = start(t)
  host.send(service, request('e_1'))
  host.send(service, request('e_2', { inDoubt: true }))
  assert.deepEqual([(await next()).executionId, (await next()).executionId], ['e_1', 'e_2'])
  host.stop(service, 'e_1')
  assert.equal(runs[0]?.signal.aborted, false, 'who asked first has given up, who asked last has not')
  runs[0]?.end({})
  assert.deepEqual(await next(), { ...about('e_2'), type: 'completed', output: {}, raw: {} })
  assert.deepEqual([runs.length, messages.length], [1, 3])
})

test('finished work is answered from memory for a day', async (t) => {
  const { host, runs, next, state } = start(t)
  host.send(service, request('e_1'))
  await next()
  runs[0]?.end({ b: 1 })
  await next()
  state.now += 24 * 60 * 60 * 1000 - 1
  host.send(service, request('e_2'))
  await next()
  assert.deepEqual(await next(), { ...about('e_2'), type: 'completed', output: { b: 1 }, raw: { b: 1 } })
  assert.equal(runs.length, 1)
  state.now += 1
  host.send(service, request('e_3'))
  await next()
  assert.equal(runs.length, 2)
})

test('failed work is done anew when it is sent again', async (t) => {
  const { host, runs, next } = start(t)
  host.send(service, request('e_1'))
  await next()
  runs[0]?.fail(new AppError('engine_failed', 'sold out'))
  assert.deepEqual(await next(), { ...about('e_1'), type: 'failed', error: 'sold out' })
  host.send(service, request('e_2'))
  await next()
  assert.equal(runs.length, 2)
})

test('a task that reports without end does not fill the log of its plan', async (t) => {
  const { host, runs, messages, next } = start(t)
  host.send(service, request('e_1'))
  await next()
  for (let number = 0; number < 5000; number++) runs[0]?.call.interim(number)
  assert.equal(messages.length, 1001)
})

test('a bug of a tool fails the task without its inner words', async (t) => {
  const { host, runs, next } = start(t)
  host.send(service, request('e_1'))
  await next()
  runs[0]?.fail(new TypeError('secret of undefined'))
  const failed = await next()
  assert.equal(failed.type, 'failed')
  assert.doesNotMatch(JSON.stringify(failed), /secret/)
})

test('stopped work is told so, says nothing more, and can be sent anew', async (t) => {
  const { host, runs, messages, next } = start(t)
  host.send(service, request('e_1'))
  await next()
  host.stop(service, 'e_1')
  assert.equal(runs[0]?.signal.aborted, true)
  runs[0]?.call.interim('too late')
  host.send(service, request('e_2'))
  assert.deepEqual(await next(), { ...about('e_2'), type: 'accepted' })
  host.send(service, request('e_3'))
  assert.deepEqual(await next(), { ...about('e_3'), type: 'accepted' })
  assert.equal(runs.length, 2, 'the new work is joined, whatever became of the stopped one')
  runs[1]?.end({})
  assert.equal((await next()).type, 'completed')
  assert.equal(messages.length, 4)
})

test('work that is stopped before it has begun does not begin', async (t) => {
  const { host, runs, next } = start(t)
  host.send(service, request('e_1'))
  host.stop(service, 'e_1')
  await next()
  await host.close()
  assert.equal(runs.length, 0)
})

test('a task with a missing input, and a compensation, fail before the tool is asked', async (t) => {
  const { host, runs, next } = start(t)
  for (const [wrong, error] of [
    [{ input: {} }, /these inputs are missing: a/],
    [{ input: 'a' }, /must be an object/],
    [{ kind: 'compensation', idempotencyKey: 'back' }, /cannot be taken back/]
  ] as const) {
    host.send(service, request('e_1', wrong))
    await next()
    const failed = await next()
    assert.match(failed.type === 'failed' ? failed.error : '', error)
  }
  assert.equal(runs.length, 0)
})

test('a result over the limit fails the task', async (t) => {
  const { host, runs, next } = start(t)
  host.send(service, request('e_1'))
  await next()
  runs[0]?.end({ text: 'x'.repeat(10 * 1024 * 1024) })
  const failed = await next()
  assert.match(failed.type === 'failed' ? failed.error : '', /10485771 bytes, allowed are 10485760/)
})

test('nothing is taken for a tool that is not there or not healthy, or after the end', async (t) => {
  const { host, runs, messages, next, state } = start(t)
  assert.equal(host.send({ ...service, id: 's_other' }, request('e_1')), false)
  state.healthy = false
  assert.deepEqual([host.isHealthy(service), host.send(service, request('e_1'))], [false, false])
  state.healthy = true
  assert.equal(host.send(service, request('e_1')), true)
  await next()
  await host.close()
  assert.equal(runs[0]?.signal.aborted, true)
  assert.deepEqual([host.isHealthy(service), host.send(service, request('e_2'))], [false, false])
  assert.deepEqual(
    messages.map(({ type }) => type),
    ['accepted'],
    'what runs at the end is in doubt, and not failed'
  )
})
