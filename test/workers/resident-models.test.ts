import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SequencedEvent } from '#contracts/event.ts'
import type { LocalModel } from '#contracts/model.ts'
import { AppError } from '../../server/errors.ts'
import type { ResidencyRules } from '../../server/workers/residency.ts'
import { createResidentModels, type MemoryNeed, type ResidentModels } from '../../server/workers/resident-models.ts'
import { createSupervisor, type Supervisor } from '../../server/workers/supervisor.ts'
import { type Ending, onEnd } from '../helpers/on-end.ts'
import { until } from '../helpers/processes.ts'
import { chat, log, testDispatcher, testRedis } from '../helpers/queue.ts'
import { fakeModel, fakeWorkerSettings } from './fake-workers.ts'

/** A gateway's queue and workers of the fake engine, in processes of their own, in a memory of 10 bytes. */
async function house(t: Ending, options: { rules?: Partial<ResidencyRules>; needOf?: (id: string) => MemoryNeed | Promise<MemoryNeed> } = {}) {
  const base = await testRedis(t)
  const pinned = new Set<string>()
  const models = new Map<string, LocalModel>()
  const changes = new Set<() => void>()
  const parts: { supervisor?: Supervisor; residents?: ResidentModels } = {}
  const ended = (ids: string[]) => parts.residents?.used(ids)
  const { dispatcher } = await testDispatcher(t, base, { slots: 2, onEnded: ended, waitOf: (model) => parts.residents?.waitOf(model) })
  const supervisor = createSupervisor({
    ...fakeWorkerSettings(base),
    onLost: (model, workerId) => dispatcher.workerLost(model, workerId),
    onGivenUp: (model, error) => dispatcher.giveUp(model, error),
    onChange: () => {
      residents.review()
      for (const change of changes) change()
    }
  })
  const residents = createResidentModels({
    supervisor,
    rules: { budget: 10, turnMs: 0, idleMs: undefined, longestWaitMs: 60_000, ...options.rules },
    memoryOf: ({ entry, files }) => options.needOf?.(entry.id) ?? { bytes: files[0]?.size ?? 0, atLeast: files[0]?.size ?? 0 },
    demandOf: (id) => dispatcher.demandOf(id),
    runMsOf: (id) => dispatcher.demandOf(id).runMs,
    isPinned: (id) => pinned.has(id),
    onRefused: (id, error) => void dispatcher.giveUp(id, error),
    onFreed: (id) => {
      if (dispatcher.waitingFor(id) > 0) residents.ensure(modelOf(id))
    },
    log
  })
  onEnd(t, () => residents.stop())
  Object.assign(parts, { supervisor, residents })

  const modelOf = (id: string): LocalModel => models.get(id) ?? assert.fail(id)
  const add = (id: string, size: number, traits: object = {}) => {
    const path = join(base.home, `${id}.json`)
    writeFileSync(path, JSON.stringify(traits))
    const model = fakeModel(id, { name: `${id}.json`, path, size }, 8192)
    models.set(id, model)
    return model
  }
  /** Asks as a client does. `events` grows as they come; `ended` resolves with the last one. */
  const ask = (id: string, script: string) => {
    const events: SequencedEvent[] = []
    const last = Promise.withResolvers<SequencedEvent>()
    const heard = new Set<() => void>()
    const until = (type: SequencedEvent['type']) =>
      new Promise<SequencedEvent>((resolve) => {
        const look = () => {
          const found = events.find((event) => event.type === type)
          if (found !== undefined) resolve(found)
        }
        heard.add(look)
        look()
      })
    residents.ensure(modelOf(id))
    const handle = dispatcher.submit(chat(script, { model: id }), (fresh) => {
      events.push(...fresh)
      for (const look of heard) look()
      const end = events.at(-1)
      if (end?.type === 'generation-end' || end?.type === 'error') last.resolve(end)
    })
    return { events, until, ended: last.promise, handle }
  }
  /** Resolves when the supervisor's state is so. */
  const when = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return
        changes.delete(look)
        resolve()
      }
      changes.add(look)
      look()
    })
  return { dispatcher, supervisor, residents, pinned, add, ask, when }
}

const codeOf = (event: SequencedEvent) => (event.type === 'error' ? event.code : event.type)

test('an idle model makes room for the one that is asked for, and comes back when it is asked for', async (t) => {
  const { supervisor, add, ask } = await house(t)
  add('a', 6)
  add('b', 6)
  assert.equal(codeOf(await ask('a', 'tokens=1').ended), 'generation-end')
  assert.equal(codeOf(await ask('b', 'tokens=1').ended), 'generation-end')
  assert.deepEqual(supervisor.list(), ['b'])
  assert.equal(codeOf(await ask('a', 'tokens=1').ended), 'generation-end')
  assert.deepEqual(supervisor.list(), ['a'])
})

test('models that fit side by side both stay', async (t) => {
  const { supervisor, residents, add, ask } = await house(t)
  add('a', 5)
  add('b', 5)
  await Promise.all([ask('a', 'tokens=1').ended, ask('b', 'tokens=1').ended])
  assert.deepEqual(supervisor.list(), ['a', 'b'])
  assert.deepEqual(residents.memory(), { budget: 10, used: 10 })
})

test('a swap waits for the end of the running request, and tells who waits why', async (t) => {
  const { residents, supervisor, add, ask } = await house(t)
  add('a', 6)
  add('b', 6)
  const long = ask('a', 'tokens=150 stepMs=10')
  await long.until('text-delta')
  const swap = ask('b', 'tokens=1')
  assert.match(residents.waitOf('b')?.reason ?? '', /^b waits for memory: a has 1 running request; the budget is/)
  assert.equal(residents.stateOf('b')?.state, 'loading')
  const told = await swap.until('job-queued')
  assert.ok(told.type === 'job-queued' && told.position === 1 && /a has 1 running request/.test(told.reason ?? ''))
  assert.equal(codeOf(await swap.ended), 'generation-end')
  assert.equal(codeOf(await long.ended), 'generation-end')
  assert.equal(long.events.filter(({ type }) => type === 'text-delta').length, 150, 'nothing of it was lost')
  assert.deepEqual(supervisor.list(), ['b'])
})

test('two models that are asked at the same time, again and again, both get on', async (t) => {
  const { add, ask } = await house(t)
  add('a', 6)
  add('b', 6)
  const client = async (id: string) => {
    for (let i = 0; i < 4; i++) assert.equal(codeOf(await ask(id, 'tokens=3').ended), 'generation-end', `${id} ${i}`)
  }
  await Promise.all([client('a'), client('b'), client('a'), client('b')])
})

test('a model that is asked without a pause does not keep another one out', async (t) => {
  const { add, ask } = await house(t)
  add('a', 6)
  add('b', 6)
  const first = ask('a', 'tokens=30 stepMs=10')
  await first.until('text-delta')
  let isOver = false
  // Requests that overlap, so that there is hardly a moment without a running one.
  const insist = async (tokens: number) => {
    while (!isOver) await ask('a', `tokens=${tokens} stepMs=10`).ended
  }
  const clients = [insist(31), insist(47), insist(53)]
  assert.equal(codeOf(await ask('b', 'tokens=1').ended), 'generation-end')
  isOver = true
  await Promise.all([first.ended, ...clients])
})

test('a request that comes while its model is being swapped out is answered when it is back', async (t) => {
  const { add, ask } = await house(t)
  add('a', 6)
  add('b', 6)
  const first = ask('a', 'tokens=60 stepMs=10')
  await first.until('text-delta')
  const swap = ask('b', 'tokens=1')
  const late = Array.from({ length: 4 }, () => ask('a', 'tokens=1'))
  const ends = await Promise.all([first, swap, ...late].map(({ ended }) => ended))
  assert.deepEqual(new Set(ends.map(codeOf)), new Set(['generation-end']))
})

test('a pinned model is never unloaded: what does not fit beside it is refused with the reason', async (t) => {
  const { residents, pinned, add } = await house(t)
  const [a, b] = [add('a', 6), add('b', 6)]
  await residents.load(a)
  pinned.add('a')
  const refused = (error: unknown) =>
    error instanceof AppError && error.code === 'insufficient_memory' && /pinned models a /.test(error.message) && error.retryAfter !== undefined
  assert.throws(() => residents.ensure(b), refused)
  await assert.rejects(residents.load(b), refused)
  assert.match(residents.refusalOf('b')?.message ?? '', /pinned/)
  pinned.clear()
  await residents.load(b)
  assert.equal(residents.stateOf('b')?.state, 'ready')
  assert.equal(residents.refusalOf('b'), undefined)
})

test('a model bigger than the whole budget is refused at once', async (t) => {
  const { residents, supervisor, add } = await house(t)
  assert.throws(() => residents.ensure(add('huge', 11)), { code: 'insufficient_memory', message: /huge needs .* OUTPOST_MEMORY_BUDGET/ })
  assert.deepEqual(supervisor.list(), [])
})

test('who waited too long is refused, and the model that was held takes new requests again', async (t) => {
  const { supervisor, residents, add, ask } = await house(t, { rules: { longestWaitMs: 300 } })
  add('a', 6)
  add('b', 6)
  const long = ask('a', 'tokens=100000 stepMs=5')
  await long.until('text-delta')
  const refused = await ask('b', 'tokens=1').ended
  assert.ok(refused.type === 'error' && refused.code === 'insufficient_memory' && /a has 1 running request/.test(refused.message))
  assert.ok((refused.retryAfter ?? 0) >= 1)
  assert.equal(codeOf(await ask('a', 'tokens=1').ended), 'generation-end', 'a goes on beside the long request')
  assert.deepEqual([supervisor.list(), residents.waitOf('b')], [['a'], undefined])
  ;(await long.handle).leave('client_gone')
})

test('nothing is unloaded for a client that left', async (t) => {
  const { dispatcher, supervisor, residents, add, ask } = await house(t)
  add('a', 6)
  add('b', 6)
  const running = ask('a', 'tokens=40 stepMs=10')
  await running.until('text-delta')
  const left = ask('b', 'tokens=1')
  ;(await left.handle).leave('client_gone')
  await until(() => dispatcher.waitingFor('b') === 0, 'its request is gone')
  await running.ended
  residents.review()
  assert.deepEqual([supervisor.list(), residents.stateOf('b')], [['a'], undefined])
  assert.equal(codeOf(await ask('a', 'tokens=1').ended), 'generation-end')
})

test('an idle model is unloaded after its time, and not while it answers', async (t) => {
  const { supervisor, add, ask, when } = await house(t, { rules: { idleMs: 50 } })
  add('a', 6)
  const answer = ask('a', 'tokens=40 stepMs=10')
  assert.equal(codeOf(await answer.ended), 'generation-end')
  await when(() => supervisor.stateOf('a') === undefined)
  assert.equal(codeOf(await ask('a', 'tokens=1').ended), 'generation-end')
})

test('what a model needs may take a while to find out; weights that cannot be understood are not loaded', async (t) => {
  const needOf = async (id: string): Promise<MemoryNeed> => {
    if (id === 'bad') throw new AppError('weights_corrupt', 'bad lies')
    return { bytes: 6, atLeast: 6 }
  }
  const { residents, add, ask } = await house(t, { needOf })
  add('a', 0)
  const bad = add('bad', 0)
  assert.equal(codeOf(await ask('a', 'tokens=1').ended), 'generation-end')
  await assert.rejects(residents.load(bad), { code: 'weights_corrupt' })
  assert.equal(codeOf(await ask('bad', 'tokens=1').ended), 'weights_corrupt')
})

test('a model that waits for memory can be given up', async (t) => {
  const { residents, add, ask } = await house(t)
  add('a', 6)
  const b = add('b', 6)
  const running = ask('a', 'tokens=40 stepMs=10')
  await running.until('text-delta')
  const loading = residents.load(b)
  const refused = assert.rejects(loading, { code: 'model_not_ready' })
  await residents.unload('b')
  await refused
  assert.equal(residents.stateOf('b'), undefined)
  const waiting = ask('b', 'tokens=1')
  await waiting.handle
  await residents.unload('b')
  assert.equal(codeOf(await waiting.ended), 'generation-end', 'who waits for it still wants it')
  await running.ended
})
