import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Service } from '#contracts/plan.ts'
import { createLog } from '../../../server/log.ts'
import { createServiceConnections } from '../../../server/plans/services/connections.ts'
import type { TaskMessage, TaskRequest } from '../../../server/plans/services/service-host.ts'
import { onEnd } from '../../helpers/on-end.ts'

const schema = { type: 'object', properties: { text: { type: 'string' } } } as const
const echo: Service = {
  id: 's_echo',
  projectId: 'p_1',
  kind: 'service',
  name: 'echo',
  description: 'says it again',
  input: schema,
  output: schema,
  revertible: true,
  approval: false,
  version: 1,
  origin: 'connected',
  registeredAt: 0
}
const other: Service = { ...echo, id: 's_other' }

let sent = 0
const request = (changes: Partial<TaskRequest> = {}): TaskRequest => ({
  kind: 'task',
  planId: 'o_1',
  taskId: 'Task1',
  executionId: `e_${++sent}`,
  idempotencyKey: `key-${sent}`,
  input: { text: 'hi' },
  inDoubt: false,
  ...changes
})

/** The connections, and everything they tell. */
function open(t: TestContext, pingMs?: number) {
  const heard: TaskMessage[] = []
  const news: unknown[] = []
  const failing = { next: false }
  const connections = createServiceConnections({
    events: {
      onMessage: (message) => {
        if (failing.next) throw new Error('the disk is full')
        heard.push(message)
      },
      onHealth: (serviceId, healthy) => news.push([serviceId, healthy]),
      onInDoubt: (serviceId, executionIds) => news.push([serviceId, executionIds])
    },
    log: createLog({ level: 'silent' }),
    ...(pingMs === undefined ? {} : { pingMs })
  })
  onEnd(t, () => connections.close())
  return { connections, heard, news, failing }
}

/** A program of a service: what it got, and how it answers. */
function join(connections: ReturnType<typeof open>['connections'], service = echo, client = { keyId: 'key-1', instance: 'a' }) {
  const got: Record<string, unknown>[] = []
  const state = { bufferedAmount: 0, pings: 0, closed: undefined as number | undefined }
  const socket = {
    send: (text: string) => void got.push(JSON.parse(text)),
    ping: () => void state.pings++,
    close: (code: number) => {
      state.closed = code
    },
    get bufferedAmount() {
      return state.bufferedAmount
    }
  }
  const connection = connections.connect(service, client, socket)
  let messages = 0
  return {
    ...connection,
    got,
    state,
    tasks: () => got.filter(({ type }) => type === 'task_request').map(({ executionId }) => executionId),
    acknowledged: () => got.filter(({ type }) => type === 'ACK').map(({ id }) => id),
    /** Wrapped, as clients send it. */
    say(payload: object): string {
      const id = `message_${++messages}`
      connection.onText(JSON.stringify({ id, payload }))
      return id
    },
    answer({ executionId, idempotencyKey, taskId }: TaskRequest, more: object = { result: { task: { text: 'hi' } }, error: null }) {
      return this.say({ type: 'task_result', executionId, idempotencyKey, taskId, serviceId: service.id, ...more })
    }
  }
}

test('a task reaches its service in the words of the protocol, and its result comes back and is acknowledged', (t) => {
  const { connections, heard } = open(t)
  const task = request()
  assert.equal(connections.send(echo, task), false, 'nobody is there')
  const program = join(connections)
  assert.equal(connections.isHealthy(echo), true)
  assert.equal(connections.send(echo, task), true)
  const { executionId, idempotencyKey } = task
  assert.deepEqual(program.got, [{ type: 'task_request', id: 'Task1', input: { text: 'hi' }, executionId, idempotencyKey, serviceId: 's_echo' }])

  const compensation = { data: { originalTask: { text: 'hi' }, taskResult: 1 }, ttl: 5000 }
  const id = program.answer(task, { result: { task: { text: 'ho' }, compensation }, error: null })
  assert.deepEqual(program.acknowledged(), [id])
  assert.deepEqual(heard, [
    {
      serviceId: 's_echo',
      executionId,
      idempotencyKey,
      taskId: 'Task1',
      type: 'completed',
      output: { text: 'ho' },
      compensation: { data: compensation.data, ttlMs: 5000 },
      raw: { task: { text: 'ho' }, compensation }
    }
  ])
})

test('a compensation goes out with its context, and its result comes back whole', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const context = { orchestrationId: 'o_1', reason: 'aborted', payload: 'out of stock', timestamp: '2026-11-24T00:00:00Z' } as const
  const task = request({ kind: 'compensation', input: { originalTask: {}, taskResult: {} }, compensationContext: context })
  connections.send(echo, task)
  assert.deepEqual(program.got[0], {
    type: 'compensation_request',
    id: 'task1',
    input: task.input,
    executionId: task.executionId,
    idempotencyKey: task.idempotencyKey,
    serviceId: 's_echo',
    // The Python client takes nothing but an object.
    compensationContext: { ...context, payload: { value: 'out of stock' } }
  })
  const result = { status: 'partial', partial: { completed: ['a'], remaining: ['b'] } }
  program.answer(task, { taskId: 'task1', result, error: null })
  assert.deepEqual(heard[0]?.type === 'completed' && heard[0].raw, result)
  assert.equal(heard[0]?.taskId, 'Task1')
})

test('status, updates, aborts and failures are told apart', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const task = request()
  connections.send(echo, task)
  const { executionId, idempotencyKey } = task
  const address = { executionId, idempotencyKey, taskId: 'Task1', serviceId: 's_echo' }
  program.say({ type: 'task_status', status: 'in_progress', ...address })
  const update = program.say({ type: 'task_interim_result', result: { task: { percent: 5 } }, ...address })
  program.say({ type: 'task_interim_result', result: {}, ...address })
  program.say({ type: 'task_abort_result', result: { task: { reason: 'no' } }, ...address })
  program.say({ type: 'task_abort_result', result: { task: null }, ...address })
  program.say({ type: 'task_result', result: null, error: 'it broke', ...address })
  const known = { serviceId: 's_echo', executionId, idempotencyKey, taskId: 'Task1' }
  assert.deepEqual(heard, [
    { ...known, type: 'accepted' },
    { ...known, type: 'interim', messageId: update, data: { percent: 5 } },
    { ...known, type: 'interim', messageId: 'message_3', data: null },
    { ...known, type: 'aborted', payload: { reason: 'no' } },
    { ...known, type: 'aborted', payload: null },
    { ...known, type: 'failed', error: 'it broke' }
  ])
})

test('results that clients write in their own ways are understood', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const outcome = (more: object): unknown => {
    const task = request()
    connections.send(echo, task)
    program.answer(task, more)
    const { serviceId: _s, executionId: _e, idempotencyKey: _i, taskId: _t, ...rest } = heard.at(-1) ?? assert.fail('nothing came')
    return rest
  }
  const completed = (output: unknown, raw: unknown, compensation?: object) => ({
    type: 'completed',
    output,
    raw,
    ...(compensation && { compensation })
  })
  // A handler of the JavaScript client that returned nothing.
  assert.deepEqual(outcome({ result: { compensation: null }, error: null }), completed(undefined, { compensation: null }))
  assert.deepEqual(outcome({ result: null, error: null }), completed(undefined, null))
  assert.deepEqual(outcome({ error: '' }), completed(undefined, null))
  for (const output of [null, 5, 'text', [1], false]) assert.deepEqual(outcome({ result: { task: output } }), completed(output, { task: output }))
  // What it answers when it is asked again for a task that it aborted.
  assert.deepEqual(outcome({ result: { task: { reason: 'no' }, status: 'aborted' }, error: null }), { type: 'aborted', payload: { reason: 'no' } })
  assert.deepEqual(outcome({ result: { status: 'aborted' } }), completed(undefined, { status: 'aborted' }))
  assert.deepEqual(outcome({ error: { code: 5 } }), { type: 'failed', error: '{"code":5}' })
  assert.match((outcome({ result: 'done' }) as { error: string }).error, /must be an object with the output as "task", got string/)
  const withTtl = (compensation: unknown) => outcome({ result: { task: {}, compensation } }) as { compensation?: { ttlMs: number } }
  assert.equal(withTtl({ data: { a: 1 } }).compensation?.ttlMs, 86_400_000, 'a day unless the service says otherwise')
  assert.equal(withTtl({ data: { a: 1 }, ttl: 'soon' }).compensation?.ttlMs, 86_400_000)
  assert.equal(withTtl({ data: null, ttl: 5 }).compensation, undefined, 'nothing to compensate with')
})

test('what a client kept while it was offline comes bare and is taken like the rest', (t) => {
  const { connections, heard } = open(t)
  const first = join(connections)
  const task = request()
  connections.send(echo, task)
  first.onClose()
  const second = join(connections)
  const { executionId, idempotencyKey } = task
  second.onText(JSON.stringify({ type: 'task_result', executionId, idempotencyKey, taskId: 'Task1', result: { task: { text: 'ho' } }, error: null }))
  assert.deepEqual(heard[0]?.type === 'completed' && heard[0].output, { text: 'ho' })
  assert.deepEqual(second.got, [], 'there is nothing to acknowledge')
})

test('a client that answers the same task twice is heard twice, for the log to decide', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const task = request()
  connections.send(echo, task)
  const ids = [program.answer(task), program.answer(task)]
  assert.equal(heard.length, 2)
  assert.deepEqual(program.acknowledged(), ids)
})

test('a service cannot answer for another one, nor with the wrong key, and is acknowledged all the same', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const thief = join(connections, other)
  const task = request()
  connections.send(echo, task)
  const ids = [thief.answer(task), thief.answer({ ...task, executionId: 'e_invented' })]
  const wrong = program.answer({ ...task, idempotencyKey: 'another key' })
  assert.equal(heard.length, 0)
  assert.deepEqual(thief.acknowledged(), ids)
  assert.deepEqual(program.acknowledged(), [wrong])
  program.answer(task)
  assert.equal(heard.length, 1, 'the right one still can')
  assert.equal(heard[0]?.serviceId, 's_echo')
})

test('after a restart an answer to a request that is not remembered goes on, marked as such', (t) => {
  const before = open(t)
  join(before.connections)
  const task = request()
  before.connections.send(echo, task)
  const { connections, heard } = open(t)
  const program = join(connections)
  const id = program.answer(task)
  assert.equal(heard[0]?.unasked, true)
  assert.equal(heard[0]?.taskId, 'Task1')
  assert.deepEqual(program.acknowledged(), [id])
})

test('garbage is passed over and the connection lives on', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const texts = ['', '{', 'null', '5', '[]', '"x"', '{}', '{"type":5}', '{"id":"m","payload":[]}', '\u0000', '[['.repeat(600_000)]
  for (const text of texts) program.onText(text)
  assert.deepEqual(program.got, [])
  const id = program.say({ type: 'something_new', anything: 1 })
  const nothing = program.say({})
  const addressed = program.say({ type: 'something_new', executionId: 'e', idempotencyKey: 'k' })
  const numbers = program.say({ type: 'task_result', executionId: 5, idempotencyKey: {} })
  assert.deepEqual(program.acknowledged(), [id, nothing, addressed, numbers])
  assert.equal(heard.length, 0)
  const task = request()
  connections.send(echo, task)
  program.answer(task)
  assert.equal(heard.length, 1)
})

test('a pong is not acknowledged', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  program.onText('{"id":"pong","payload":{"type":"pong","serviceId":"s_echo"}}')
  program.onText('{"type":"pong","serviceId":"s_echo"}')
  assert.deepEqual(program.got, [])
  assert.equal(heard.length, 0)
})

test('a result that is too large or nested too deeply fails its task with the reason, instead of coming again and again', (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  const large = request()
  connections.send(echo, large)
  const id = program.answer(large, { result: { task: { text: 'ü'.repeat(6 * 1024 * 1024) } } })
  assert.match(heard[0]?.type === 'failed' ? heard[0].error : '', /^the result has 125\d+ bytes, more than the 10487808/)
  assert.deepEqual(program.acknowledged(), [id])

  const deep = request()
  connections.send(echo, deep)
  program.onText(
    `{"id":"m","payload":{"type":"task_result","executionId":"${deep.executionId}","idempotencyKey":"${deep.idempotencyKey}","result":{"task":${'['.repeat(5000)}${']'.repeat(5000)}}}}`
  )
  assert.match(heard[1]?.type === 'failed' ? heard[1].error : '', /nested more than 200 levels/)

  const vast = request()
  connections.send(echo, vast)
  const acknowledged = program.acknowledged().length
  program.onText(
    `{"id":"m","payload":{"type":"task_result","executionId":"${vast.executionId}","result":${'['.repeat(600_000)}${']'.repeat(600_000)}}}`
  )
  assert.equal(program.acknowledged().length, acknowledged, 'not even read: as objects it would take gigabytes')

  const fits = request()
  connections.send(echo, fits)
  program.answer(fits, { result: { task: { text: 'x'.repeat(10 * 1024 * 1024), brackets: '[{'.repeat(500), quote: '\\"[' } } })
  assert.equal(heard[2]?.type, 'completed')
})

test('a request that no client would take fails with the reason', async (t) => {
  const { connections, heard } = open(t)
  const program = join(connections)
  assert.equal(connections.send(echo, request({ input: { text: 'x'.repeat(11 * 1024 * 1024) } })), true)
  assert.equal(heard.length, 0, 'not before the sender knows that it was sent')
  await turn()
  assert.match(heard[0]?.type === 'failed' ? heard[0].error : '', /^the request has 115\d+ bytes/)
  assert.deepEqual(program.got, [])
})

test('what cannot be handled now is not acknowledged, so that it comes again', (t) => {
  const { connections, heard, failing } = open(t)
  const program = join(connections)
  const task = request()
  connections.send(echo, task)
  failing.next = true
  program.answer(task)
  assert.deepEqual(program.acknowledged(), [])
  failing.next = false
  program.answer(task)
  assert.equal(heard.length, 1)
  assert.equal(program.acknowledged().length, 1)
})

test('several instances of a service share its load: the least busy gets the next task', (t) => {
  const { connections } = open(t)
  const programs = ['a', 'b', 'c'].map((instance) => join(connections, echo, { keyId: 'key-1', instance }))
  const tasks = Array.from({ length: 9 }, () => request())
  for (const task of tasks) connections.send(echo, task)
  assert.deepEqual(
    programs.map((program) => program.tasks().length),
    [3, 3, 3]
  )
  const [first] = programs
  for (const task of tasks) if (first?.tasks().includes(task.executionId)) first.answer(task)
  for (let round = 0; round < 3; round++) connections.send(echo, request())
  assert.deepEqual(
    programs.map((program) => program.tasks().length),
    [6, 3, 3]
  )
})

test('when idle, instances take turns', (t) => {
  const { connections } = open(t)
  const programs = ['a', 'b'].map((instance) => join(connections, echo, { keyId: 'key-1', instance }))
  for (let round = 0; round < 6; round++) {
    const task = request()
    connections.send(echo, task)
    for (const program of programs) if (program.tasks().includes(task.executionId)) program.answer(task)
  }
  assert.deepEqual(
    programs.map((program) => program.tasks().length),
    [3, 3]
  )
})

test('an instance that goes leaves its requests in doubt, and the service is away when the last one went', async (t) => {
  const { connections, news } = open(t)
  const a = join(connections, echo, { keyId: 'key-1', instance: 'a' })
  const b = join(connections, echo, { keyId: 'key-1', instance: 'b' })
  const tasks = [request(), request()]
  for (const task of tasks) connections.send(echo, task)
  const [mine] = a.tasks()
  a.onClose()
  a.onClose()
  await turn()
  assert.deepEqual(news.splice(0), [
    ['s_echo', true],
    ['s_echo', true],
    ['s_echo', [mine]]
  ])
  assert.equal(connections.instances('s_echo'), 1)
  for (const task of tasks) if (b.tasks().includes(task.executionId)) b.answer(task)
  b.onClose()
  await turn()
  assert.deepEqual(news, [['s_echo', false]])
  assert.equal(connections.isHealthy(echo), false)
})

test('the old connection of a program that came again takes nothing away with it', async (t) => {
  const { connections, news } = open(t)
  const old = join(connections)
  const fresh = join(connections)
  old.onClose()
  await turn()
  assert.equal(connections.isHealthy(echo), true)
  assert.deepEqual(news, [
    ['s_echo', true],
    ['s_echo', true]
  ])
  connections.send(echo, request())
  assert.equal(fresh.tasks().length, 1)
})

test('a line that may be dead gets no task while its program is here by another one, until it is heard again', (t) => {
  const { connections } = open(t)
  const old = join(connections)
  const task = request()
  connections.send(echo, task)
  const fresh = join(connections)
  assert.equal(old.state.pings, 1, 'it is asked')
  for (let round = 0; round < 3; round++) connections.send(echo, request())
  connections.send(echo, { ...task, executionId: 'again', inDoubt: true })
  assert.deepEqual([old.tasks().length, fresh.tasks().length], [1, 4])
  old.onPong()
  connections.send(echo, request())
  assert.deepEqual([old.tasks().length, fresh.tasks().length], [2, 4])
})

test('a request in doubt goes to the instance that had it, also when that one came again', (t) => {
  const { connections } = open(t)
  const programs = ['a', 'b', 'c'].map((instance) => join(connections, echo, { keyId: 'key-1', instance }))
  const task = request()
  connections.send(echo, task)
  const holder = programs.find((program) => program.tasks().length === 1) ?? assert.fail('nobody has it')
  const name = ['a', 'b', 'c'][programs.indexOf(holder)] ?? ''
  for (let round = 0; round < 2; round++) {
    connections.send(echo, { ...task, executionId: `again-${round}`, inDoubt: true })
    assert.equal(holder.tasks().at(-1), `again-${round}`)
  }
  holder.onClose()
  const back = join(connections, echo, { keyId: 'key-1', instance: name })
  const others = programs.filter((program) => program !== holder)
  const more = Array.from({ length: 3 }, () => request())
  for (const each of more) connections.send(echo, each)
  for (const program of others) for (const each of more) if (program.tasks().includes(each.executionId)) program.answer(each)
  connections.send(echo, { ...task, executionId: 'again-2', inDoubt: true })
  assert.equal(back.tasks().at(-1), 'again-2', 'although the others are idle')
  back.onClose()
  connections.send(echo, { ...task, executionId: 'again-3', inDoubt: true })
  assert.ok(
    programs.some((program) => program.tasks().includes('again-3')),
    'to another one when it is not here'
  )
})

test('whom a request goes to is decided before it is sent, counts as load at once, and can be taken back', (t) => {
  const { connections } = open(t)
  const one = join(connections, echo, { keyId: 'key-1', instance: 'a' })
  const first = request()
  assert.equal(connections.place(echo, first), undefined, 'there is only one')
  const two = join(connections, echo, { keyId: 'key-1', instance: 'b' })
  const requests = Array.from({ length: 4 }, () => request())
  const names = requests.map((each) => connections.place(echo, each))
  assert.deepEqual(names.toSorted(), ['a', 'a', 'b', 'b'])
  for (const each of requests) connections.send(echo, each)
  assert.deepEqual(
    [one.tasks(), two.tasks()],
    ['a', 'b'].map((name) => requests.filter((_, i) => names[i] === name).map(({ executionId }) => executionId))
  )
  const taken = request()
  const name = connections.place(echo, taken)
  connections.stop(echo, taken.executionId)
  assert.notEqual(connections.place(echo, request()), undefined)
  assert.equal(connections.hasInstance(echo, String(name)), true)
  assert.equal(connections.hasInstance(echo, 'c'), false)
})

test('after a restart the instance that the log names is asked first', (t) => {
  const { connections } = open(t)
  const programs = ['a', 'b', 'c'].map((instance) => join(connections, echo, { keyId: 'key-1', instance }))
  for (let i = 0; i < 3; i++) {
    const again = request({ inDoubt: true, instance: 'b' })
    assert.equal(connections.place(echo, again), 'b')
    connections.send(echo, again)
    assert.equal(programs[1]?.tasks().at(-1), again.executionId)
  }
})

test('of several programs with one name the log names none', (t) => {
  const { connections } = open(t)
  join(connections)
  join(connections)
  assert.equal(connections.place(echo, request()), null)
})

test('of two programs that cannot be told apart, a request in doubt goes to the one whose connection had it', (t) => {
  const { connections } = open(t)
  const programs = [join(connections), join(connections)]
  for (const program of programs) program.onPong()
  for (let round = 0; round < 4; round++) {
    const task = request()
    connections.send(echo, task)
    const holder = programs.find((program) => program.tasks().includes(task.executionId))
    connections.send(echo, { ...task, executionId: `again-${round}`, inDoubt: true })
    assert.equal(holder?.tasks().at(-1), `again-${round}`)
  }
})

test('a result ends the work wherever it was sent, so that nobody is in doubt about it', async (t) => {
  const { connections, news } = open(t)
  const a = join(connections, echo, { keyId: 'key-1', instance: 'a' })
  const task = request()
  connections.send(echo, task)
  const b = join(connections, echo, { keyId: 'key-1', instance: 'b' })
  connections.send(echo, { ...task, executionId: 'e_second' })
  const [first, second] = a.tasks().length === 2 ? [a, b] : [b, a]
  first.answer({ ...task, executionId: 'e_second' })
  news.splice(0)
  second.onClose()
  await turn()
  assert.deepEqual(news, [])
})

test('a stopped request is not in doubt when its instance goes', async (t) => {
  const { connections, news } = open(t)
  const program = join(connections)
  const task = request()
  connections.send(echo, task)
  connections.stop(echo, task.executionId)
  connections.stop(echo, 'unknown')
  program.onClose()
  await turn()
  assert.deepEqual(news, [
    ['s_echo', true],
    ['s_echo', false]
  ])
})

test('when a key is revoked its connections are closed and nothing more is taken from them', async (t) => {
  const { connections, heard, news } = open(t)
  const revoked = join(connections, echo, { keyId: 'key-1', instance: 'a' })
  const kept = join(connections, other, { keyId: 'key-2', instance: 'b' })
  const task = request()
  connections.send(echo, task)
  connections.keyRevoked('key-1')
  assert.equal(revoked.state.closed, 4403)
  assert.equal(kept.state.closed, undefined)
  revoked.answer(task)
  assert.equal(heard.length, 0)
  assert.deepEqual(revoked.acknowledged(), [])
  await turn()
  assert.deepEqual(news.slice(2), [
    ['s_echo', false],
    ['s_echo', [task.executionId]]
  ])
})

test('every connection is asked at both levels, and one that says nothing for three rounds is closed', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { connections } = open(t)
  const silent = join(connections, echo, { keyId: 'key-1', instance: 'silent' })
  const busy = join(connections, echo, { keyId: 'key-1', instance: 'busy' })
  for (let round = 1; round <= 3; round++) {
    t.mock.timers.tick(54_000)
    assert.deepEqual(silent.got.at(-1), { type: 'ping', serviceId: 's_echo' })
    assert.equal(silent.state.pings, round)
    // A program in Python that works on something: its library answers, the program does not.
    busy.onPong()
  }
  assert.equal(silent.state.closed, undefined)
  t.mock.timers.tick(54_000)
  assert.equal(silent.state.closed, 4408)
  for (let round = 0; round < 20; round++) {
    busy.onPong()
    t.mock.timers.tick(54_000)
  }
  assert.equal(busy.state.closed, undefined)
  assert.equal(connections.instances('s_echo'), 1)
})

test('a connection that does not read is closed before it costs memory, and its tasks go elsewhere', async (t) => {
  const { connections, news } = open(t)
  const slow = join(connections, echo, { keyId: 'key-1', instance: 'slow' })
  const lost = request()
  connections.send(echo, lost)
  slow.state.bufferedAmount = 65 * 1024 * 1024
  const task = request()
  const quick = join(connections, echo, { keyId: 'key-1', instance: 'quick' })
  connections.send(echo, task)
  connections.send(echo, request())
  connections.send(echo, request())
  assert.equal(slow.state.closed, 1013)
  assert.deepEqual(slow.tasks(), [lost.executionId])
  assert.equal(quick.tasks().length, 3)
  await turn()
  assert.deepEqual(news.at(-1), ['s_echo', [lost.executionId]])
})

test('closing tells every program, and no event comes after it', async (t) => {
  const { connections, news, heard } = open(t)
  const program = join(connections)
  const task = request()
  connections.send(echo, task)
  connections.close()
  assert.equal(program.state.closed, 1001)
  program.answer(task)
  program.onClose()
  const late = join(connections)
  assert.equal(late.state.closed, 1001)
  await turn()
  assert.deepEqual(news, [['s_echo', true]])
  assert.equal(heard.length, 0)
  assert.equal(connections.send(echo, request()), false)
})
