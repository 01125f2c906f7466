import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideResidency, type ResidencyRules, type Resident, type Wish } from '../../server/workers/residency.ts'

const rules: ResidencyRules = { budget: 10, turnMs: 1000, idleMs: undefined, longestWaitMs: 60_000 }
const now = 100_000

const resident = (id: string, bytes: number, change: Partial<Resident> = {}): Resident => ({
  id,
  bytes,
  phase: 'ready',
  held: false,
  pinned: false,
  running: 0,
  waiting: 0,
  lastUsedAt: 0,
  readyAt: 0,
  loadMs: 0,
  ...change
})
const wish = (id: string, bytes: number, since = now, atLeast = bytes): Wish => ({ id, bytes, atLeast, since })
const decide = (residents: Resident[], wishes: Wish[], change: Partial<ResidencyRules> = {}) =>
  decideResidency(residents, wishes, { ...rules, ...change }, now)

test('what fits is started at once, the earlier wish first', () => {
  const { actions } = decide([resident('a', 4)], [wish('late', 4, now - 1), wish('early', 5, now - 2)])
  assert.deepEqual(actions, [
    { type: 'start', id: 'early', bytes: 5 },
    { type: 'evict', id: 'a', madeFor: 'late' }
  ])
})

test('room is made by the least recently used idle model, and by no more than are needed', () => {
  const residents = [resident('new', 4, { lastUsedAt: 2 }), resident('old', 4, { lastUsedAt: 1 }), resident('small', 1, { lastUsedAt: 0 })]
  assert.deepEqual(decide(residents, [wish('w', 4)]).actions, [{ type: 'evict', id: 'old', madeFor: 'w' }])
})

test('a busy model is asked only when idle ones are not enough, ends its running requests first and takes no new ones', () => {
  const residents = [resident('idle', 2), resident('busy', 8, { running: 1 })]
  assert.deepEqual(decide(residents, [wish('w', 2)]).actions, [{ type: 'evict', id: 'idle', madeFor: 'w' }])
  assert.deepEqual(decide(residents, [wish('w', 8)]).actions, [{ type: 'hold', id: 'busy' }])
  const held = [resident('idle', 2), resident('busy', 8, { running: 1, held: true })]
  const { actions, waitsFor } = decide(held, [wish('w', 8)])
  assert.deepEqual([actions, waitsFor.get('w')?.map(({ id }) => id)], [[], ['busy']])
  const done = [resident('idle', 2), resident('busy', 8, { waiting: 3, held: true })]
  assert.deepEqual(decide(done, [wish('w', 8)]).actions, [{ type: 'evict', id: 'busy', madeFor: 'w' }])
})

test('a busy model keeps its turn, and a swapped-in one stays as long as its loading took', () => {
  const busy = decide([resident('a', 8, { running: 1, readyAt: now - 400 })], [wish('w', 8)])
  assert.deepEqual([busy.actions, busy.wakeAt], [[], now + 600])
  const idle = decide([resident('a', 8, { readyAt: now - 400, loadMs: 500 })], [wish('w', 8)])
  assert.deepEqual([idle.actions, idle.wakeAt], [[], now + 100])
  const slow = decide([resident('a', 8, { readyAt: now - 30_000, loadMs: 500_000 })], [wish('w', 8)])
  assert.deepEqual(slow.actions, [{ type: 'evict', id: 'a', madeFor: 'w' }])
})

test('a model that was held goes on when nobody waits for its memory any more', () => {
  assert.deepEqual(decide([resident('a', 8, { held: true, running: 1 })], []).actions, [{ type: 'resume', id: 'a' }])
})

test('what is being unloaded is waited for, and nothing else is unloaded meanwhile', () => {
  const { actions } = decide([resident('going', 6, { phase: 'stopping', running: 1 }), resident('idle', 4)], [wish('w', 6)])
  assert.deepEqual(actions, [])
})

test('small wishes do not starve a large one: they may use only what it leaves over', () => {
  const busy = resident('busy', 6, { running: 1, held: true })
  const decision = decide([busy], [wish('large', 9, now - 3), wish('fits beside', 1, now - 2), wish('does not', 2, now - 1)])
  assert.deepEqual(decision.actions, [{ type: 'start', id: 'fits beside', bytes: 1 }])
})

test('two wishes take different victims', () => {
  const residents = [resident('a', 5, { lastUsedAt: 1 }), resident('b', 5, { lastUsedAt: 2 })]
  const { actions } = decide(residents, [wish('w', 5, now - 2), wish('v', 5, now - 1)])
  assert.deepEqual(actions, [
    { type: 'evict', id: 'a', madeFor: 'w' },
    { type: 'evict', id: 'b', madeFor: 'v' }
  ])
})

test('pinned models stay, and what they leave no room for is refused', () => {
  const pinned = resident('p', 6, { pinned: true })
  assert.deepEqual(decide([pinned, resident('a', 4)], [wish('w', 4)]).actions, [{ type: 'evict', id: 'a', madeFor: 'w' }])
  assert.deepEqual(decide([pinned], [wish('w', 5)]).actions, [{ type: 'refuse', id: 'w', refusal: { why: 'pinned', by: ['p'] } }])
  assert.deepEqual(decide([pinned], [wish('w', 11)]).actions, [{ type: 'refuse', id: 'w', refusal: { why: 'too-big' } }])
})

test('a model that can do with less takes what there is', () => {
  assert.deepEqual(decide([], [wish('w', 50, now, 3)]).actions, [{ type: 'start', id: 'w', bytes: 10 }])
  assert.deepEqual(decide([resident('p', 6, { pinned: true })], [wish('w', 50, now, 3)]).actions, [{ type: 'start', id: 'w', bytes: 4 }])
})

test('a wish that cannot be granted in time is refused, and says whom it waited for', () => {
  const { actions } = decide([resident('busy', 8, { running: 1, held: true })], [wish('w', 8, now - 60_000)])
  assert.deepEqual(actions, [
    { type: 'refuse', id: 'w', refusal: { why: 'waited', for: ['busy'] } },
    { type: 'resume', id: 'busy' }
  ])
  assert.equal(decide([resident('busy', 8, { running: 1, held: true })], [wish('w', 8, now - 59_000)]).wakeAt, now + 1000)
})

test('an idle model is unloaded after its time, one that is used or pinned is not', () => {
  const idleMs = 5000
  assert.deepEqual(decide([resident('a', 1, { lastUsedAt: now - 5000 })], [], { idleMs }).actions, [{ type: 'evict', id: 'a', madeFor: undefined }])
  assert.equal(decide([resident('a', 1, { lastUsedAt: now - 4000 })], [], { idleMs }).wakeAt, now + 1000)
  for (const change of [{ running: 1 }, { waiting: 1 }, { pinned: true }]) {
    assert.deepEqual(decide([resident('a', 1, change)], [], { idleMs }).actions, [])
  }
})

test('asked at random for an hour, the budget holds, no running request is ended and nobody waits for ever', () => {
  // A small simulation: six models, requests that come and take a random time, loading that takes its own.
  let seed = 7
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed / 2 ** 31
  }
  const sizes = new Map(['a', 'b', 'c', 'd', 'e', 'f'].map((id, i) => [id, i + 3]))
  const residents = new Map<string, Resident & { loadedAt: number }>()
  const wishes = new Map<string, Wish>()
  const queues = new Map([...sizes.keys()].map((id) => [id, [] as number[]]))
  const runs: { id: string; until: number }[] = []
  let served = 0
  let longestWait = 0
  for (let at = 0; at < 3_600_000; at += 100) {
    if (random() < 0.01) queues.get([...sizes.keys()][Math.floor(random() * 6)] ?? '')?.push(at)
    for (const [i, run] of [...runs.entries()].reverse()) if (run.until <= at) runs.splice(i, 1)
    for (const [id, entry] of residents) {
      if (entry.phase === 'loading' && entry.loadedAt <= at) Object.assign(entry, { phase: 'ready', readyAt: at })
      const queue = queues.get(id) ?? []
      const running = () => runs.filter((run) => run.id === id).length
      while (entry.phase === 'ready' && !entry.held && running() < 2 && queue.length > 0) {
        longestWait = Math.max(longestWait, at - (queue.shift() ?? at))
        runs.push({ id, until: at + 100 + random() * 20_000 })
        served++
      }
      if (running() > 0) entry.lastUsedAt = at
      Object.assign(entry, { running: running(), waiting: queue.length })
      if (entry.phase === 'stopping' && running() === 0) residents.delete(id)
    }
    for (const [id, queue] of queues) {
      if (queue.length > 0 && (residents.get(id)?.phase ?? 'stopping') === 'stopping' && !wishes.has(id))
        wishes.set(id, wish(id, sizes.get(id) ?? 0, at))
    }
    const present = wishes.values().filter(({ id }) => !residents.has(id))
    for (const action of decideResidency(
      [...residents.values()],
      [...present],
      { ...rules, turnMs: 10_000, longestWaitMs: Number.POSITIVE_INFINITY },
      at
    ).actions) {
      const entry = residents.get(action.id)
      assert.notEqual(action.type, 'refuse')
      if (action.type === 'start') {
        const loadMs = 500 + random() * 3000
        wishes.delete(action.id)
        residents.set(action.id, {
          ...resident(action.id, action.bytes, { phase: 'loading', readyAt: at, lastUsedAt: at, loadMs }),
          loadedAt: at + loadMs
        })
      } else if (action.type === 'evict') {
        assert.equal(entry?.running, 0, 'only what runs nothing is unloaded')
        Object.assign(entry ?? {}, { phase: 'stopping' })
      } else Object.assign(entry ?? {}, { held: action.type === 'hold' })
      assert.ok([...residents.values()].reduce((sum, { bytes }) => sum + bytes, 0) <= rules.budget, 'the budget holds')
    }
  }
  assert.ok(served > 300, `${served} requests were served`)
  assert.ok(longestWait < 180_000, `the longest wait was ${longestWait} ms`)
})
