import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Service } from '#contracts/plan.ts'
import type { TaskRequest } from '../../../server/plans/services/service-host.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { type Bench, chain, createBench, plan, service, task } from './plan-bench.ts'

/** `failing`: how many of the next commits throw, as those of a full disk do. */
function benchOf(t: TestContext, options: { services?: Service[] } = {}): Bench & { disk: { failing: number } } {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const disk = { failing: 0 }
  const bench = createBench({
    file: join(temporaryFolder(t), 'outpost.db'),
    ...options,
    store: (store) => ({
      ...store,
      commit(...args) {
        if (disk.failing > 0) {
          disk.failing--
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
        }
        store.commit(...args)
      }
    })
  })
  t.after(() => {
    bench.runner.close()
    bench.db.close()
  })
  return Object.assign(bench, { disk })
}

const last = (bench: Bench): TaskRequest => bench.sent.at(-1) ?? assert.fail('nothing was sent')
const numberOf = (bench: Bench, id: string) => bench.store.find('p_test', id).number
const sentTasks = (bench: Bench) => bench.sent.map(({ taskId }) => taskId)
const lose = (bench: Bench, request: TaskRequest) => {
  const id = `s_${request.taskId}`
  bench.away.add(id)
  bench.runner.onHealth(id, false)
  bench.runner.onInDoubt(id, [request.executionId])
}
const come = (bench: Bench, id: string) => {
  bench.away.delete(id)
  bench.runner.onHealth(id, true)
}

test('a result that cannot be written down is not taken, and the plan goes on when it comes again', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(2))
  const first = last(bench)
  bench.disk.failing = 1
  assert.throws(() => bench.answer(first, { type: 'completed', output: { out: 'one' } }), /disk is full/)
  assert.deepEqual(sentTasks(bench), ['task1'], 'what was not written is not done')
  bench.answer(first, { type: 'completed', output: { out: 'one' } })
  assert.equal(last(bench).taskId, 'task2')
  bench.answer(last(bench), { type: 'completed', output: { out: 'two' } })
  assert.deepEqual(bench.record(id).results, [{ out: 'two' }])
  assert.equal(bench.runner.size, 0)
})

test('a plan that could not be written down goes on by itself, and asks for what is in doubt by its key', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  const first = last(bench)
  bench.disk.failing = 3
  assert.throws(() => bench.answer(first, { type: 'completed', output: { out: 'one' } }))
  t.mock.timers.tick(1001)
  t.mock.timers.tick(1001)
  t.mock.timers.tick(1001)
  t.mock.timers.tick(5001)
  assert.equal(bench.sent.length, 2)
  assert.equal(last(bench).idempotencyKey, first.idempotencyKey)
  assert.equal(last(bench).inDoubt, true)
  bench.answer(last(bench), { type: 'completed', output: { out: 'one' } })
  assert.equal(bench.record(id).status, 'completed')
})

test('an abort that could not be written down is no abort, and can be asked for again at once', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  bench.disk.failing = 1
  assert.throws(() => bench.runner.abort(numberOf(bench, id), 'ada', 'no'), /disk is full/)
  assert.equal(bench.record(id).status, 'processing')
  assert.equal(bench.runner.abort(numberOf(bench, id), 'ada', 'no').status, 'aborted')
  assert.equal(bench.record(id).status, 'aborted')
  assert.equal(bench.ended.length, 1)
})

test('an approval that could not be written down still waits', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(plan(task('task1', { in: '$task0.text' }, { approval: true })))
  bench.disk.failing = 1
  assert.throws(() => bench.runner.decide(numberOf(bench, id), 'task1', { approved: true, by: 'ada' }), /disk is full/)
  assert.equal(bench.sent.length, 0)
  bench.runner.decide(numberOf(bench, id), 'task1', { approved: true, by: 'ada' })
  assert.equal(bench.sent.length, 1)
})

test('a task at whose sight its service dies each time is given up in the end', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  for (let i = 0; bench.record(id).status === 'processing' && i < 50; i++) {
    const before = bench.sent.length
    lose(bench, last(bench))
    come(bench, 's_task1')
    if (bench.sent.length === before) t.mock.timers.tick(17_000)
  }
  assert.match(bench.record(id).failure?.message ?? '', /connection was lost/)
  assert.equal(bench.sent.length, 7)
})

test('a task that is heard of is not given up, however often its line breaks', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  for (let i = 0; i < 30; i++) {
    lose(bench, last(bench))
    come(bench, 's_task1')
    bench.answer(last(bench), { type: 'accepted' })
  }
  assert.equal(bench.sent.length, 31)
  bench.answer(last(bench), { type: 'completed', output: { out: 'done' } })
  assert.equal(bench.record(id).status, 'completed')
})

test('a compensation at whose sight its service dies each time is tried ten times and reported', (t) => {
  const bench = benchOf(t, { services: [service('s_task1', { revertible: true })] })
  bench.start(chain(2))
  bench.answer(last(bench), { type: 'completed', output: { out: 'x' }, compensation: { data: 1, ttlMs: 86_400_000 } })
  bench.answer(last(bench), { type: 'aborted', payload: null })
  for (let i = 0; bench.failures.length === 0 && i < 50; i++) {
    assert.equal(last(bench).kind, 'compensation')
    lose(bench, last(bench))
    come(bench, 's_task1')
    t.mock.timers.tick(67_000)
  }
  assert.equal(bench.sent.filter(({ kind }) => kind === 'compensation').length, 10)
  assert.equal(bench.failures[0]?.taskId, 'task1')
})

test('what a stopped task did is taken back, also when its service comes back with the result only after minutes', (t) => {
  const bench = benchOf(t, { services: [service('s_task1', { revertible: true })] })
  const { id } = bench.start(plan(task('task1', { in: '$task0.text' }), task('task2', { in: '$task0.text' })))
  const [first, second] = bench.sent
  lose(bench, first ?? assert.fail())
  bench.answer(second ?? assert.fail(), { type: 'aborted', payload: { why: 'enough' } })
  t.mock.timers.tick(180_000)
  assert.equal(bench.record(id).status, 'aborted')
  come(bench, 's_task1')
  bench.answer(first ?? assert.fail(), { type: 'completed', output: { out: 'x' }, compensation: { data: { undo: 1 }, ttlMs: 86_400_000 } })
  assert.equal(last(bench).kind, 'compensation')
  assert.deepEqual(last(bench).input, { undo: 1 })
  bench.answer(last(bench), { type: 'completed', raw: null })
  assert.equal(bench.runner.size, 0)
})

test('a stopped task whose service never comes back is forgotten after the grace period', (t) => {
  const bench = benchOf(t, { services: [service('s_task1', { revertible: true })] })
  bench.start(plan(task('task1', { in: '$task0.text' }), task('task2', { in: '$task0.text' })), { gracePeriodMs: 600_000 })
  const [first, second] = bench.sent
  lose(bench, first ?? assert.fail())
  bench.answer(second ?? assert.fail(), { type: 'aborted', payload: null })
  t.mock.timers.tick(599_000)
  assert.equal(bench.runner.size, 1)
  t.mock.timers.tick(2000)
  assert.equal(bench.runner.size, 0)
})

/** The same plans after the death of their process. */
function restarted(t: TestContext, before: Bench, file: string): Bench {
  before.runner.close()
  const after = createBench({ file })
  t.after(() => {
    after.runner.close()
    after.db.close()
  })
  after.away.add('s_task1')
  after.runner.resume()
  return after
}

for (const instance of ['a', null]) {
  test(`after a restart a task in doubt waits for its instance ${instance ?? 'among several of one name'} before another one gets it`, (t) => {
    const file = join(temporaryFolder(t), 'outpost.db')
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    const before = createBench({ file })
    t.after(() => before.db.close())
    before.instances.next = instance
    before.start(chain(1))
    const after = restarted(t, before, file)
    t.mock.timers.tick(60_000)
    after.instances.here.add('b')
    come(after, 's_task1')
    t.mock.timers.tick(4999)
    assert.equal(after.sent.length, 0)
    if (instance === null) t.mock.timers.tick(2)
    else {
      after.instances.here.add(instance)
      come(after, 's_task1')
    }
    assert.equal(after.sent.length, 1)
    assert.equal(last(after).inDoubt, true)
    assert.equal(last(after).idempotencyKey, last(before).idempotencyKey)
  })
}

test('a task in doubt goes to another instance when its own one stays away', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const before = createBench({ file })
  t.after(() => before.db.close())
  before.instances.next = 'a'
  before.start(chain(1))
  const after = restarted(t, before, file)
  t.mock.timers.tick(60_000)
  after.instances.here.add('b')
  come(after, 's_task1')
  t.mock.timers.tick(5001)
  assert.equal(after.sent.length, 1)
})

test('after a restart a compensation in doubt waits for the instance that had it', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const services = [service('s_task1', { revertible: true })]
  const before = createBench({ file, services })
  t.after(() => before.db.close())
  before.start(chain(2))
  before.answer(last(before), { type: 'completed', output: { out: 'x' }, compensation: { data: 1, ttlMs: 86_400_000 } })
  before.instances.next = 'a'
  before.answer(last(before), { type: 'aborted', payload: null })
  assert.equal(last(before).kind, 'compensation')
  const after = restarted(t, before, file)
  after.services.set('s_task1', service('s_task1', { revertible: true }))
  after.instances.here.add('b')
  t.mock.timers.tick(1)
  come(after, 's_task1')
  assert.equal(after.sent.length, 0)
  after.instances.here.add('a')
  come(after, 's_task1')
  assert.equal(last(after).kind, 'compensation')
  assert.equal(last(after).inDoubt, true)
})

test('who aborts a plan while the server stops is told that, and not that the plan has ended', (t) => {
  const bench = benchOf(t)
  const { id } = bench.start(chain(1))
  bench.runner.close()
  assert.throws(() => bench.runner.abort(numberOf(bench, id), 'ada', 'no'), { code: 'shutting_down' })
})

test('what becomes due in the very moment that a plan is looked at is not forgotten', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const clock = { creeps: 0 }
  const bench = createBench({
    file: join(temporaryFolder(t), 'outpost.db'),
    steady: () => {
      clock.creeps += 0.31
      return Date.now() + clock.creeps
    }
  })
  t.after(() => {
    bench.runner.close()
    bench.db.close()
  })
  // Whatever the distance between the timeout and the moment of looking, some of these fall into it.
  const ids = Array.from({ length: 40 }, (_, i) => bench.start(chain(1), { timeoutMs: 1 + (i % 7) }).id)
  for (let passed = 0; passed < 60_000; passed += 10) t.mock.timers.tick(10)
  for (const id of ids) assert.equal(bench.record(id).status, 'failed')
})
