import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveEvent } from '#contracts/live.ts'
import type { ModelStatus } from '#contracts/model.ts'
import { backoffMs } from '../../renderer/live/backoff.ts'
import { applyLiveEvent, loadOf, nothingKnown } from '../../renderer/live/live-state.ts'

const model = (id: string, more: Partial<ModelStatus> = {}) => ({ id, state: 'ready', slots: 4, ...more }) as ModelStatus
const reset: LiveEvent = { type: 'reset', readiness: { ready: true, reason: null }, models: [model('a'), model('b')], pulls: [], queues: [] }

test('events change what they are about and leave the rest as it is', () => {
  const before = applyLiveEvent(nothingKnown, reset)
  assert.equal(before.known, true)
  const after = applyLiveEvent(before, { type: 'model', model: model('b', { state: 'loading' }) })
  assert.equal(after.models[0], before.models[0])
  assert.equal(after.models[1]?.state, 'loading')
  assert.equal(after.queues, before.queues)
  assert.deepEqual(
    applyLiveEvent(after, { type: 'model', model: model('c') }).models.map(({ id }) => id),
    ['a', 'b', 'c']
  )
  assert.deepEqual(
    applyLiveEvent(after, { type: 'model-gone', id: 'a' }).models.map(({ id }) => id),
    ['b']
  )
})

test('the corner counts what waits, and the slots of what is loaded', () => {
  const queue = { model: 'a', waiting: 2, running: 1, slots: 4, lanes: { interactive: 0, planning: 0, normal: 0, batch: 0 }, jobs: [] }
  const models = [model('a'), model('b', { slots: null }), model('c', { state: 'present' })]
  assert.deepEqual(loadOf({ models, queues: [queue, { ...queue, waiting: 3, running: 0 }] }), { waiting: 5, running: 1, slots: 4 })
})

test('tries get rarer, up to ten seconds, and are not all at the same time', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 20].map((failures) => backoffMs(failures, () => 1)),
    [250, 500, 1000, 2000, 10_000]
  )
  assert.equal(
    backoffMs(20, () => 0),
    5000
  )
})
