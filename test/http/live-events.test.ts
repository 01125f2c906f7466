import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveEvent } from '#contracts/live.ts'
import type { PullStatus } from '#contracts/pull.ts'
import { readEventStream } from '../../renderer/event-stream.ts'
import { AppError } from '../../server/errors.ts'
import { type Scripted, startScripted } from './scripted-services.ts'

const pull: PullStatus = {
  model: 'far',
  state: 'running',
  received: 1,
  total: 4,
  file: 'weights.bin',
  source: 'folder /media/usb',
  bytesPerSecond: 1,
  msLeft: 3000,
  limitRate: null,
  failures: [],
  warnings: [],
  error: null,
  startedAt: 1,
  endedAt: null
}

/** One reader of the stream, event by event. */
async function follow(server: Scripted, headers: Record<string, string> = {}) {
  const controller = new AbortController()
  const response = await fetch(`${server.url}/outpost/events`, { headers, signal: controller.signal })
  assert.equal(response.status, 200)
  const events = readEventStream(response.body as ReadableStream<Uint8Array>)
  return {
    async next() {
      const { value } = await events.next()
      return { id: value?.id as string, ...LiveEvent.parse(JSON.parse(value?.data ?? 'null')) }
    },
    leave: () => controller.abort()
  }
}

const administrator = (server: Scripted) => {
  const { secret } = server.services.keys.create({ name: 'a', role: 'administrator', lane: 'interactive' })
  return { 'x-api-key': secret }
}

test('it begins with everything as it is, then tells what changes and nothing else', async () => {
  await using server = await startScripted()
  const reader = await follow(server)
  const reset = await reader.next()
  assert.ok(reset.type === 'reset')
  assert.deepEqual(
    reset.models.map(({ id, state }) => [id, state]),
    [
      ['small', 'ready'],
      ['embedder', 'ready'],
      ['far', 'absent']
    ]
  )
  assert.equal(reset.readiness.ready, true)
  Object.assign(server.models[2] as object, { state: 'pulling', percent: 3 })
  server.tellChange({ type: 'models' })
  const changed = await reader.next()
  assert.ok(changed.type === 'model')
  assert.deepEqual([changed.model.id, changed.model.state, changed.model.percent], ['far', 'pulling', 3])
  server.models.pop()
  server.tellChange({ type: 'models' })
  assert.deepEqual({ ...(await reader.next()), id: '' }, { type: 'model-gone', id: '' })
  server.setNotReady(new AppError('queue_unavailable', 'Redis is away'))
  server.tellChange({ type: 'queues' })
  const readiness = await reader.next()
  assert.ok(readiness.type === 'readiness' && readiness.readiness.reason?.code === 'queue_unavailable')
  reader.leave()
})

test('who comes back hears what it missed; who was away too long gets everything anew', async () => {
  await using server = await startScripted()
  const headers = administrator(server)
  const reader = await follow(server, headers)
  const { id } = await reader.next()
  reader.leave()
  const plan = { id: 'p_1', projectId: 'x', action: 'act', status: 'processing', changedAt: 1 } as const
  server.tellChange({ type: 'plan', plan })
  Object.assign(server.models[0] as object, { state: 'loading', percent: 0 })

  const back = await follow(server, { ...headers, 'last-event-id': id })
  const [first, second] = [await back.next(), await back.next()]
  assert.deepEqual([first.type, second.type], ['plan', 'model'])
  back.leave()
  for (let i = 0; i < 600; i++) server.tellChange({ type: 'plan', plan })
  const late = await follow(server, { ...headers, 'last-event-id': id })
  assert.equal((await late.next()).type, 'reset')
  late.leave()
  const stranger = await follow(server, { ...headers, 'last-event-id': 'cafe0000-3' })
  assert.equal((await stranger.next()).type, 'reset')
  stranger.leave()
})

test('downloads are for administrators, and others’ requests are counted and not listed', async () => {
  await using server = await startScripted()
  server.services.models.pulls.list = () => [pull]
  const job = { jobId: 'j', clientId: 'somebody', kind: 'chat', lane: 'normal', state: 'waiting', position: 1, etaMs: null, submittedAt: 1 } as const
  server.queues.push({ model: 'small', waiting: 1, running: 0, slots: 4, lanes: { interactive: 0, planning: 0, normal: 1, batch: 0 }, jobs: [job] })
  const local = await follow(server)
  const overseer = await follow(server, administrator(server))
  const [seen, all] = [await local.next(), await overseer.next()]
  assert.ok(seen.type === 'reset' && all.type === 'reset')
  assert.deepEqual([seen.pulls.length, seen.queues[0]?.waiting, seen.queues[0]?.jobs.length], [0, 1, 0])
  assert.deepEqual([all.pulls.length, all.queues[0]?.jobs[0]?.jobId], [1, 'j'])
  server.tellChange({ type: 'pull', pull: { ...pull, received: 2 } })
  server.queues[0] = { ...server.queues[0], waiting: 2, jobs: [job] } as (typeof server.queues)[number]
  server.tellChange({ type: 'queues' })
  const [next, queue] = [await overseer.next(), await local.next()]
  assert.ok(queue.type === 'queues' && queue.queues[0]?.waiting === 2)
  assert.ok(next.type === 'pull' || next.type === 'queues')
  local.leave()
  overseer.leave()
})

test('a project’s key hears of its own plans and of nothing else', async () => {
  await using server = await startScripted()
  const project = server.services.plans.projects.create('shop')
  const { secret } = server.services.keys.create({ name: 'p', role: 'project', lane: 'planning', project: project.id })
  const reader = await follow(server, { 'x-api-key': secret })
  const reset = await reader.next()
  assert.ok(reset.type === 'reset' && reset.models.length === 0 && reset.queues.length === 0)
  const plan = { id: 'p_1', projectId: 'another', action: 'act', status: 'processing', changedAt: 1 } as const
  server.tellChange({ type: 'plan', plan })
  server.tellChange({ type: 'plan', plan: { ...plan, id: 'p_2', projectId: project.id } })
  const told = await reader.next()
  assert.ok(told.type === 'plan' && told.plan.id === 'p_2')
  reader.leave()
})
