import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Plan, PlanRecord, Service } from '#contracts/plan.ts'
import type { TaskRequest } from '../../../server/plans/services/service-host.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { type Bench, chain, createBench, plan, service, task } from './plan-bench.ts'

function benchOf(t: TestContext, options: { services?: Service[]; file?: string } = {}): Bench {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const bench = createBench({ file: options.file ?? join(temporaryFolder(t), 'outpost.db'), ...options })
  t.after(() => {
    bench.runner.close()
    bench.db.close()
  })
  return bench
}

/** In steps, because what a timer starts sees the end of a tick as its now. */
const pass = (t: TestContext, ms: number) => {
  for (let passed = 0; passed < ms; passed += 100) t.mock.timers.tick(100)
}

const last = (bench: Bench): TaskRequest => bench.sent.at(-1) ?? assert.fail('nothing was sent')
const types = (bench: Bench, record: PlanRecord) => bench.log(record.id).map(({ type }) => type)
const revertible = (...ids: string[]) => ids.map((id) => service(`s_${id}`, { revertible: true }))
const fan = (): Plan =>
  plan(
    task('task1', { in: '$task0.text' }),
    task('task2', { in: '$task0.text' }),
    task('task3', { a: '$task1.out', b: '$task2.out' }, { serviceVersion: 1 })
  )

test('tasks are sent as soon as what they need is there, and the last result is the plan’s', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(fan())
  assert.deepEqual(
    bench.sent.map(({ taskId }) => taskId),
    ['task1', 'task2']
  )
  bench.answer(bench.sent[1] ?? assert.fail(), { type: 'completed', output: { out: 'b' } })
  assert.equal(bench.sent.length, 2, 'task3 waits for task1')
  bench.answer(bench.sent[0] ?? assert.fail(), { type: 'completed', output: { out: 'a' } })
  assert.deepEqual(last(bench).input, { a: 'a', b: 'b' })
  bench.answer(last(bench), { type: 'completed', output: { out: 'ab' } })
  const record = bench.record(id)
  assert.equal(record.status, 'completed')
  assert.deepEqual(record.results, [{ out: 'ab' }])
  assert.equal(bench.ended.length, 1)
  assert.equal(bench.runner.size, 0, 'nothing of it is kept in memory')
})

test('the results are those of all tasks that no other uses, in the plan’s order', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(plan(task('task10', { in: '$task0.text' }), task('task9', { in: '$task0.text' })))
  for (const request of [...bench.sent].reverse()) bench.answer(request, { type: 'completed', output: { from: request.taskId } })
  assert.deepEqual(bench.record(id).results, [{ from: 'task10' }, { from: 'task9' }])
})

test('a failing task is tried five times with growing pauses under one idempotency key, then the plan fails', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  for (const waitMs of [2000, 4000, 8000, 16_000]) {
    bench.answer(last(bench), { type: 'failed', error: 'no' })
    const before = bench.sent.length
    t.mock.timers.tick(waitMs - 1)
    assert.equal(bench.sent.length, before, `not before ${waitMs} ms`)
    t.mock.timers.tick(2)
    assert.equal(bench.sent.length, before + 1)
  }
  bench.answer(last(bench), { type: 'failed', error: 'no, really' })
  const record = bench.record(id)
  assert.equal(record.status, 'failed')
  assert.deepEqual(record.failure, { code: 'task_failed', message: 'no, really', task: 'task1', service: 's_task1' })
  assert.equal(bench.sent.length, 5)
  assert.equal(new Set(bench.sent.map(({ idempotencyKey }) => idempotencyKey)).size, 1)
  assert.equal(new Set(bench.sent.map(({ executionId }) => executionId)).size, 5)
})

test('a service that never answers is given up after five timeouts', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  pass(t, 5 * 30_000 + 30_000 + 5000)
  assert.equal(bench.record(id).status, 'failed')
  assert.equal(bench.sent.length, 5)
  assert.match(bench.record(id).failure?.message ?? '', /no answer within 30 s/)
})

test('a result that comes after its timeout still counts, and the attempt under way is not waited for', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  const first = last(bench)
  t.mock.timers.tick(30_001)
  t.mock.timers.tick(2100)
  assert.equal(bench.sent.length, 2)
  bench.answer(first, { type: 'completed', output: { out: 'late' } })
  assert.equal(bench.record(id).status, 'completed')
  assert.deepEqual(bench.record(id).results, [{ out: 'late' }])
})

test('a service that answers twice changes nothing the second time', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(2))
  const first = last(bench)
  bench.answer(first, { type: 'completed', output: { out: 'one' } })
  bench.answer(first, { type: 'completed', output: { out: 'two' } })
  bench.answer(first, { type: 'completed', output: { out: 'three' } })
  bench.answer(last(bench), { type: 'completed', output: {} })
  assert.deepEqual(types(bench, bench.record(id)), [
    'plan-started',
    'task-sent',
    'task-completed',
    'task-sent',
    'late-result',
    'task-completed',
    'plan-completed'
  ])
  assert.equal(bench.sent[1]?.input instanceof Object && (bench.sent[1].input as { in: string }).in, 'one')
})

test('a service cannot answer for the task of another', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(2))
  const { executionId, idempotencyKey, taskId } = last(bench)
  bench.runner.onMessage({ type: 'completed', serviceId: 's_stranger', executionId, idempotencyKey, taskId, output: { out: 'mine' }, raw: null })
  bench.runner.onMessage({ type: 'completed', serviceId: 's_task1', executionId, idempotencyKey: 'guess', taskId, output: {}, raw: null })
  assert.deepEqual(types(bench, bench.record(id)), ['plan-started', 'task-sent'])
})

test('while its service is away a task waits without counting attempts, and goes on when it comes', (t) => {
  const bench = benchOf(t)
  bench.away.add('s_task1')
  const { id } = bench.start(chain(1))
  t.mock.timers.tick(600_000)
  assert.equal(bench.sent.length, 0)
  bench.away.delete('s_task1')
  bench.runner.onHealth('s_task1', true)
  bench.answer(last(bench), { type: 'completed', output: { out: 'x' } })
  assert.equal(bench.record(id).status, 'completed')
  assert.deepEqual(types(bench, bench.record(id)), ['plan-started', 'task-paused', 'task-sent', 'task-completed', 'plan-completed'])
})

test('a service that stays away longer than the grace period fails its task', (t) => {
  const bench = benchOf(t)
  bench.away.add('s_task1')
  const { id } = bench.start(chain(1), { gracePeriodMs: 60_000 })
  t.mock.timers.tick(59_999)
  assert.equal(bench.record(id).status, 'processing')
  t.mock.timers.tick(2)
  assert.match(bench.record(id).failure?.message ?? '', /away for 60 s/)
})

test('a task whose instance went away is sent again when it returns, with the same key and marked as in doubt', (t) => {
  const bench = benchOf(t)
  bench.start(chain(1))
  const first = last(bench)
  bench.away.add('s_task1')
  bench.runner.onInDoubt('s_task1', [first.executionId])
  t.mock.timers.tick(40_000)
  assert.equal(bench.sent.length, 1, 'the timeout of a paused attempt does not count')
  bench.away.delete('s_task1')
  bench.runner.onHealth('s_task1', true)
  assert.equal(bench.sent.length, 2)
  assert.equal(last(bench).idempotencyKey, first.idempotencyKey)
  assert.equal(last(bench).inDoubt, true)
})

test('another instance gets the task of one that went away only after a while', (t) => {
  const bench = benchOf(t)
  bench.start(chain(1))
  bench.runner.onInDoubt('s_task1', [last(bench).executionId])
  assert.equal(bench.sent.length, 1)
  t.mock.timers.tick(5001)
  assert.equal(bench.sent.length, 2)
})

test('a failure stops the siblings, takes back what was done in reverse order, and calls once', (t) => {
  const bench = benchOf(t, { services: revertible('task1', 'task2', 'task3') })
  const { id } = bench.start(
    plan(
      task('task1', { in: '$task0.text' }),
      task('task2', { in: '$task1.out' }),
      task('task3', { in: '$task2.out' }),
      task('task4', { in: '$task0.text' }),
      task('task5', { in: '$task2.out' })
    )
  )
  const requestOf = (taskId: string) => bench.sent.findLast((request) => request.taskId === taskId) ?? assert.fail(`${taskId} was not sent`)
  const done = (taskId: string) =>
    bench.answer(requestOf(taskId), { type: 'completed', output: { out: taskId }, compensation: { data: { undo: taskId }, ttlMs: 86_400_000 } })
  done('task1')
  done('task2')
  for (let i = 0; i < 5; i++) {
    bench.answer(requestOf('task5'), { type: 'failed', error: 'broken' })
    if (i < 4) t.mock.timers.tick(17_000)
  }
  const record = bench.record(id)
  assert.equal(record.status, 'failed')
  assert.equal(bench.ended.length, 1)
  assert.deepEqual(bench.stopped.length > 0, true, 'task3 and task4 are told')
  const compensations = () => bench.sent.filter(({ kind }) => kind === 'compensation')
  assert.deepEqual(
    compensations().map(({ taskId }) => taskId),
    ['task2']
  )
  assert.deepEqual(compensations()[0]?.input, { undo: 'task2' })
  assert.equal(compensations()[0]?.compensationContext?.reason, 'failed')
  bench.answer(compensations()[0] ?? assert.fail(), { type: 'completed', raw: { status: 'completed' } })
  assert.deepEqual(
    compensations().map(({ taskId }) => taskId),
    ['task2', 'task1']
  )
  // What a stopped task did after all has to be taken back, too.
  bench.answer(requestOf('task3'), { type: 'completed', output: {}, compensation: { data: { undo: 'task3' }, ttlMs: 86_400_000 } })
  bench.answer(compensations()[1] ?? assert.fail(), {
    type: 'completed',
    raw: { status: 'partial', partial: { completed: ['x'], remaining: ['y'] } }
  })
  assert.deepEqual(
    compensations().map(({ taskId }) => taskId),
    ['task2', 'task1', 'task3']
  )
  bench.answer(compensations()[2] ?? assert.fail(), { type: 'completed', raw: null })
  const kinds = types(bench, record)
  assert.equal(kinds.filter((type) => type === 'plan-failed').length, 1)
  assert.deepEqual(
    kinds.filter((type) => type.startsWith('compensation-') && type !== 'compensation-sent'),
    ['compensation-completed', 'compensation-partial', 'compensation-completed']
  )
})

test('two failures at once make one end and one call', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(plan(task('task1', { in: '$task0.text' }), task('task2', { in: '$task0.text' })))
  for (let i = 0; i < 5; i++) {
    for (const taskId of ['task1', 'task2']) {
      bench.answer(bench.sent.findLast((request) => request.taskId === taskId) ?? assert.fail(), { type: 'failed', error: `${taskId} broke` })
    }
    t.mock.timers.tick(33_000)
  }
  assert.equal(bench.ended.length, 1)
  assert.equal(types(bench, bench.record(id)).filter((type) => type === 'plan-failed').length, 1)
})

test('a compensation that fails ten times is reported, and the next one runs all the same', (t) => {
  const bench = benchOf(t, { services: revertible('task1', 'task2') })
  bench.start(chain(3))
  for (const id of ['task1', 'task2'])
    bench.answer(last(bench), { type: 'completed', output: { out: id }, compensation: { data: id, ttlMs: 86_400_000 } })
  bench.answer(last(bench), { type: 'aborted', payload: { why: 'no stock' } })
  for (let i = 0; i < 10; i++) {
    assert.equal(last(bench).taskId, 'task2')
    bench.answer(last(bench), { type: 'completed', raw: { status: 'failed', error: 'cannot' } })
    t.mock.timers.tick(61_000)
  }
  assert.deepEqual(bench.failures, [{ taskId: 'task2', status: 'failed', failure: 'cannot' }])
  assert.equal(last(bench).taskId, 'task1')
  assert.deepEqual(last(bench).compensationContext?.payload, { why: 'no stock' })
  assert.equal(last(bench).compensationContext?.reason, 'aborted')
})

test('a compensation whose time has run out is not tried any more, and reported as expired', (t) => {
  const bench = benchOf(t, { services: revertible('task1') })
  bench.start(chain(2))
  bench.answer(last(bench), { type: 'completed', output: { out: 'x' }, compensation: { data: 1, ttlMs: 60_000 } })
  t.mock.timers.tick(10_000)
  bench.away.add('s_task1')
  bench.answer(last(bench), { type: 'aborted', payload: null })
  t.mock.timers.tick(50_001)
  assert.equal(bench.failures[0]?.status, 'expired')
  assert.equal(
    bench.sent.some(({ kind }) => kind === 'compensation'),
    false
  )
})

test('an abort of a service while its task is paused still counts', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  const request = last(bench)
  bench.away.add('s_task1')
  bench.runner.onInDoubt('s_task1', [request.executionId])
  bench.answer(request, { type: 'aborted', payload: { why: 'enough' } })
  assert.equal(bench.record(id).status, 'aborted')
  assert.deepEqual(bench.record(id).abortPayload, { why: 'enough' })
})

test('a person aborts a plan, also while a task waits for its service, and cannot do it twice', (t) => {
  const bench = benchOf(t)
  bench.away.add('s_task2')
  const { id } = bench.start(chain(2))
  bench.answer(last(bench), { type: 'completed', output: { out: 'x' } })
  const { number } = bench.store.find('p_test', id)
  assert.equal(bench.runner.abort(number, 'ada', 'wrong order').status, 'aborted')
  assert.match(bench.record(id).failure?.message ?? '', /ada aborted it: wrong order/)
  assert.throws(() => bench.runner.abort(number, 'ada', 'again'), { code: 'conflict' })
})

test('a task marked for approval waits for a person, is sent when approved, and ends the plan when refused', (t) => {
  const bench = benchOf(t)
  const approving = plan(task('task1', { in: '$task0.text' }, { approval: true }))
  const first = bench.start(approving)
  assert.equal(bench.sent.length, 0)
  const numberOf = (record: PlanRecord) => bench.store.find('p_test', record.id).number
  bench.runner.decide(numberOf(first), 'task1', { approved: true, by: 'ada' })
  assert.equal(bench.sent.length, 1)
  assert.throws(() => bench.runner.decide(numberOf(first), 'task1', { approved: true, by: 'ada' }), { code: 'conflict' })
  const second = bench.start(approving)
  const refused = bench.runner.decide(numberOf(second), 'task1', { approved: false, by: 'ada', note: 'too dear' })
  assert.equal(refused.status, 'aborted')
  assert.deepEqual(refused.failure, { code: 'refused', message: 'ada refused task1: too dear', task: 'task1', service: 's_task1' })
  assert.equal(bench.sent.length, 1)
})

test('a plan that is not done by its deadline fails and says what was not done', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(2), { deadlineAt: Date.now() + 10_000 })
  bench.answer(last(bench), { type: 'completed', output: { out: 'x' } })
  t.mock.timers.tick(10_001)
  assert.deepEqual(bench.record(id).failure, { code: 'deadline_exceeded', message: 'the deadline passed before task2 was done' })
})

test('a clock that is set forward or back by hours lets no task time out', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  for (const jump of [3 * 3_600_000, -5 * 3_600_000]) {
    bench.clock.jump = jump
    t.mock.timers.tick(10_000)
    bench.answer(last(bench), { type: 'accepted' })
    assert.equal(bench.sent.length, 1)
  }
  bench.answer(last(bench), { type: 'failed', error: 'no' })
  t.mock.timers.tick(2001)
  assert.equal(bench.sent.length, 2, 'the pause before the next attempt is as long as ever')
  bench.answer(last(bench), { type: 'completed', output: {} })
  assert.equal(bench.record(id).status, 'completed')
})

test('a result without a field that the next task needs fails that task at once and says what lacks', (t) => {
  const bench = benchOf(t, { services: [service('s_task2', { input: { type: 'object', properties: { in: { type: 'string' } } } })] })
  const { id } = bench.start(chain(2))
  bench.answer(last(bench), { type: 'completed', output: { other: 1 } })
  assert.match(bench.record(id).failure?.message ?? '', /the input in is to come from \$task1\.out, and the result of task1 has no field "out"/)
})

test('what a restart finds goes on: nothing done runs again, what is in doubt is asked for by its key', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  const before = benchOf(t, { file })
  const { id } = before.start(chain(3))
  before.answer(last(before), { type: 'completed', output: { out: 'one' } })
  const inDoubt = last(before)
  before.runner.close()
  t.mock.timers.tick(1)
  const after = createBench({ file })
  t.after(() => {
    after.runner.close()
    after.db.close()
  })
  after.away.add('s_task2')
  assert.equal(after.runner.resume(), 1)
  assert.equal(after.sent.length, 0)
  after.away.delete('s_task2')
  after.runner.onHealth('s_task2', true)
  assert.deepEqual(
    after.sent.map(({ taskId, idempotencyKey }) => [taskId, idempotencyKey]),
    [['task2', inDoubt.idempotencyKey]]
  )
  // The service hands in what it did for the process before.
  after.answer(inDoubt, { type: 'completed', output: { out: 'two' } })
  after.answer(last(after), { type: 'completed', output: { out: 'three' } })
  assert.deepEqual(after.record(id).results, [{ out: 'three' }])
})
