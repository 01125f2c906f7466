import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueueStatus } from '#contracts/live.ts'
import type { ModelStatus } from '#contracts/model.ts'
import { addSample, keptMs, type LoadSample, linePath, mostOf, startOf, stepPath } from '../../renderer/features/activity/load-samples.ts'
import { drawQueues, findRequest, isStarting, type LiveRequest } from '../../renderer/features/activity/queue-picture.ts'
import {
  everything,
  filterHistory,
  medianOf,
  outcomeOf,
  type PastRequest,
  rateOf,
  stretchesOf
} from '../../renderer/features/activity/request-history.ts'

const model = (id: string, more: Partial<ModelStatus> = {}) => ({ id, name: id.toUpperCase(), state: 'ready', slots: 2, ...more }) as ModelStatus
const request = (jobId: string, more: Partial<LiveRequest> = {}): LiveRequest => ({
  jobId,
  clientId: 'me',
  kind: 'chat',
  lane: 'normal',
  state: 'waiting',
  position: null,
  etaMs: null,
  submittedAt: 0,
  ...more
})
const queue = (name: string, more: Partial<QueueStatus> = {}): QueueStatus => ({
  model: name,
  waiting: 0,
  running: 0,
  slots: 2,
  lanes: { interactive: 0, planning: 0, normal: 0, batch: 0 },
  jobs: [],
  ...more
})
const past = (more: Partial<PastRequest> = {}) =>
  ({
    model: 'a',
    clientId: 'me',
    errorCode: null,
    finishReason: 'stop',
    queueMs: 100,
    ttftMs: 300,
    totalMs: 1300,
    usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 11, reasoningTokens: 0 },
    ...more
  }) as PastRequest

test('models stand there when they are loaded or somebody wants them, also one that is not in the list any more', () => {
  const pictures = drawQueues(
    [model('idle'), model('absent', { state: 'absent' }), model('wanted', { state: 'present' })],
    [queue('wanted', { waiting: 1 }), queue('gone', { running: 1 }), queue('absent')]
  )
  assert.deepEqual(
    pictures.map(({ id, name }) => [id, name]),
    [
      ['idle', 'IDLE'],
      ['wanted', 'WANTED'],
      ['gone', 'gone']
    ]
  )
})

test('who runs or starts stands in a slot, others’ slots are taken by nobody known, the rest is free', () => {
  const jobs = [request('starts'), request('runs', { state: 'running' }), request('waits', { position: 1 })]
  const lanes = { interactive: 0, planning: 0, normal: 2, batch: 0 }
  const [picture] = drawQueues([model('a', { slots: 4 })], [queue('a', { running: 3, waiting: 1, lanes, jobs })])
  assert.deepEqual(
    picture?.slots.map((slot) => (slot.type === 'request' ? slot.request.jobId : slot.type)),
    ['runs', 'starts', 'hidden', 'free']
  )
  assert.deepEqual(picture?.lanes.find(({ lane }) => lane === 'normal')?.requests, [jobs[2]])
  assert.equal(picture?.lanes.find(({ lane }) => lane === 'normal')?.hidden, 0)
})

test('a lane lists in the order of the line, counts those one is told nothing of, and the model those of other gateways', () => {
  const jobs = [request('third', { position: 3 }), request('first', { position: 1 })]
  const lanes = { interactive: 0, planning: 0, normal: 3, batch: 1 }
  const [picture] = drawQueues([model('a')], [queue('a', { waiting: 6, lanes, jobs })])
  const normal = picture?.lanes.find(({ lane }) => lane === 'normal')
  assert.deepEqual(
    normal?.requests.map(({ jobId }) => jobId),
    ['first', 'third']
  )
  assert.equal(normal?.hidden, 1)
  assert.equal(picture?.lanes.find(({ lane }) => lane === 'batch')?.hidden, 1)
  assert.equal(picture?.elsewhere, 2)
})

test('a request out of line waits for its model where that has no slot for it yet', () => {
  const jobs = [request('early')]
  const [picture] = drawQueues([model('a', { state: 'loading' })], [queue('a', { waiting: 1, lanes: { ...queue('a').lanes, normal: 1 }, jobs })])
  assert.deepEqual(picture?.slots, [])
  assert.deepEqual(picture?.lanes.find(({ lane }) => lane === 'normal')?.requests, jobs)
  assert.ok(isStarting(request('early')))
  assert.equal(findRequest([queue('a', { jobs })], 'early')?.model, 'a')
  assert.equal(findRequest([queue('a', { jobs })], 'other'), undefined)
})

test('the load is kept as steps, of the last quarter of an hour', () => {
  let samples: readonly LoadSample[] = []
  samples = addSample(samples, { at: 0, waiting: 0, running: 1 })
  assert.equal(addSample(samples, { at: 50, waiting: 0, running: 1 }), samples)
  samples = addSample(samples, { at: 50, waiting: 0, running: 2 })
  assert.equal(stepPath(samples, 'running', 100), 'M0 50H50V0H100')
  assert.equal(stepPath([], 'running', 100), '')
  assert.match(stepPath(samples, 'running', 50), /^M/, 'at the moment of a sample')
  assert.equal(startOf(samples, 100), 0)
  const later = addSample(samples, { at: keptMs + 60, waiting: 3, running: 0 })
  assert.deepEqual(
    later.map(({ at }) => at),
    [50, keptMs + 60]
  )
  assert.equal(mostOf(later, 'running', keptMs + 60), 2, 'what held into the time counts')
  assert.equal(mostOf(later, 'running', 2 * keptMs + 100), 0)
})

test('a request’s life has no gaps, and no stretch without length', () => {
  assert.deepEqual(
    stretchesOf(past()).map(({ name, from, to }) => [name, from, to]),
    [
      ['queued', 0, 100],
      ['prompt', 100, 300],
      ['tokens', 300, 1300]
    ]
  )
  assert.deepEqual(
    stretchesOf(past({ ttftMs: null, queueMs: 0 })).map(({ name }) => name),
    ['work']
  )
  assert.deepEqual(stretchesOf(past({ queueMs: 0, ttftMs: 0, totalMs: 0 })), [])
})

test('speed is counted from the first token on, and not of a single one', () => {
  assert.equal(rateOf(past()), 10)
  assert.equal(rateOf(past({ ttftMs: null })), null)
  assert.equal(rateOf(past({ usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0 } })), null)
  assert.equal(medianOf([]), null)
  assert.equal(medianOf([3, 1, 2]), 2)
  assert.equal(medianOf([4, 1, 2, 3]), 2.5)
  assert.equal(linePath([1]), '')
  assert.equal(linePath([1, 2]), 'M0 50L100 0')
})

test('a reader who left is no failure, and filters hold together', () => {
  const rows = [
    past(),
    past({ errorCode: 'client_gone', finishReason: 'cancelled' }),
    past({ errorCode: 'internal_error', finishReason: null, model: 'b' })
  ]
  assert.deepEqual(rows.map(outcomeOf), ['done', 'cancelled', 'failed'])
  assert.equal(filterHistory(rows, everything).length, 3)
  assert.equal(filterHistory(rows, { ...everything, outcome: 'failed', model: 'a' }).length, 0)
  assert.equal(filterHistory(rows, { ...everything, outcome: 'failed', client: 'me' }).length, 1)
})
