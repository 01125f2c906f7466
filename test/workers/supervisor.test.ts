import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../server/errors.ts'
import { createSupervisor } from '../../server/workers/supervisor.ts'
import { type Ending, onEnd } from '../helpers/on-end.ts'
import { isAlive } from '../helpers/processes.ts'
import { testRedis } from '../helpers/queue.ts'
import { fakeModel, fakeWorkerSettings } from './fake-workers.ts'

/** A supervisor on a Redis of its own, and a model of the fake engine, whose "weights" say how it behaves. */
async function supervise(t: Ending) {
  const base = await testRedis(t)
  const path = join(base.home, 'traits.json')
  const lost: string[] = []
  const givenUp = Promise.withResolvers<AppError>()
  const supervisor = createSupervisor({
    ...fakeWorkerSettings(base),
    onLost: async (_model, workerId) => void lost.push(workerId),
    onGivenUp: async (_model, error) => givenUp.resolve(error)
  })
  onEnd(t, () => supervisor.stop())
  const model = fakeModel('fragile', { name: 'traits.json', path, size: 1 }, 128)
  const behave = (traits: object) => writeFileSync(path, JSON.stringify(traits))
  return { supervisor, model, lost, givenUp: givenUp.promise, behave }
}

test('a model that dies at load three times is given up, and loads when it is asked for again', async (t) => {
  const { supervisor, model, lost, givenUp, behave } = await supervise(t)
  behave({ crashAtLoad: true })
  await assert.rejects(supervisor.load(model), { code: 'model_failed', message: /^fragile failed to load 3 times: .*SIGKILL.*outpost load fragile$/ })
  assert.equal((await givenUp).code, 'model_failed')
  assert.equal(new Set(lost).size, 3, 'each worker is told as lost')
  assert.equal(supervisor.stateOf('fragile')?.state, 'failed')
  assert.throws(() => supervisor.ensure(model), { code: 'model_failed' })
  behave({})
  assert.equal((await supervisor.load(model)).slots, 2)
  assert.equal(supervisor.stateOf('fragile')?.state, 'ready')
})

test('a loaded worker that is killed is replaced, and one that was unloaded is not', async (t) => {
  const { supervisor, model, lost, behave } = await supervise(t)
  behave({})
  await supervisor.load(model)
  const before = supervisor.stateOf('fragile')
  assert.ok(before?.state === 'ready' && before.pid !== undefined)
  process.kill(before.pid, 'SIGKILL')
  while (lost.length === 0) await new Promise(setImmediate)
  await supervisor.loaded('fragile')
  const next = supervisor.stateOf('fragile')
  assert.ok(next?.state === 'ready' && next.pid !== undefined && next.pid !== before.pid)
  await supervisor.unload('fragile')
  assert.deepEqual([supervisor.stateOf('fragile'), supervisor.list()], [undefined, []])
  assert.ok(!isAlive(next.pid))
  // It may have been given a job in its last moment, so that is looked after as well.
  assert.equal(new Set(lost).size, 2)
})

test('who waits for a model that is unloaded is told', async (t) => {
  const { supervisor, model, behave } = await supervise(t)
  behave({ loadMs: 200 })
  const loading = supervisor.load(model)
  const refused = assert.rejects(loading, (error: unknown) => error instanceof AppError && error.code === 'model_not_ready')
  await supervisor.unload('fragile')
  await refused
})

test('a worker that is killed while it is being unloaded is told as lost', async (t) => {
  const { supervisor, model, lost, behave } = await supervise(t)
  behave({})
  await supervisor.load(model)
  const state = supervisor.stateOf('fragile')
  assert.ok(state?.state === 'ready' && state.pid !== undefined)
  // It cannot follow the order to end any more.
  process.kill(state.pid, 'SIGSTOP')
  const unloaded = supervisor.unload('fragile')
  process.kill(state.pid, 'SIGKILL')
  await unloaded
  while (lost.length === 0) await new Promise(setImmediate)
  assert.deepEqual([lost.length, supervisor.list()], [1, []])
})
