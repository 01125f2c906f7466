import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOwner } from '../helpers/owner.ts'
import { chainOf, startPlanStage } from '../helpers/plan-stage.ts'
import { until } from '../helpers/processes.ts'

const echo = ({ input }: { input: Record<string, unknown> }) => ({ message: input['message'] })
const runsOnce = (runs: ReadonlyMap<string, number>) => [...runs.values()].every((times) => times === 1)

test('the gateway killed: plans that run, wait, retry and are taken back go on in the next one, and nothing is done or told twice', async (t) => {
  const stage = await startPlanStage(t)
  const project = await stage.project()
  const gate = Promise.withResolvers<void>()
  const revertGate = Promise.withResolvers<void>()
  const fast = await stage.service(project, { name: 'fast', handler: echo, revertible: true, revert: () => revertGate.promise })
  const slow = await stage.service(project, { name: 'slow', handler: (call) => gate.promise.then(() => echo(call)) })
  let failures = 0
  const flaky = await stage.service(project, {
    name: 'flaky',
    handler(call) {
      if (++failures === 1) throw new Error('not yet')
      return echo(call)
    }
  })
  const stopper = await stage.service(project, { name: 'stopper', handler: (call) => call.abort({ why: 'enough' }) })
  stage.plans('Walk the long way round the lake', () => chainOf(fast, slow))
  stage.plans('Knock until somebody opens', () => chainOf(fast, flaky))
  stage.plans('Begin and give it up', () => chainOf(fast, stopper))
  stage.plans('Ask the boss before painting', () => chainOf(slow))

  const running = await project.run('Walk the long way round the lake', { message: 'walk' })
  const retrying = await project.run('Knock until somebody opens', { message: 'knock' })
  const compensating = await project.run('Begin and give it up', { message: 'begin' })
  const owner = await callOwner(stage.server.socket, 'POST', `/outpost/plans?project=${project.projectId}`, {
    action: 'Ask the boss before painting',
    data: [{ field: 'message', value: 'paint' }],
    approval: [slow.id],
    async: true
  })
  const waiting = String(owner.headers['x-outpost-plan-id'])
  owner.destroy()
  await until(async () => (await eventsOf(stage, project.projectId, waiting)).includes('approval-requested'), 'it waits for approval')
  await slow.requests.first()
  await until(async () => (await eventsOf(stage, project.projectId, retrying.id)).includes('task-attempt-failed'), 'it will retry')
  await fast.requests.first(({ kind }) => kind === 'compensation')
  stage.webhooks.answer = 503
  await stage.kill()
  gate.resolve()
  revertGate.resolve()
  await stage.restart()
  stage.webhooks.answer = 200

  assert.deepEqual((await stage.webhooks.ended(running.id)).body['results'], [{ message: 'walk' }])
  assert.deepEqual((await stage.webhooks.ended(retrying.id)).body['results'], [{ message: 'knock' }])
  await until(async () => {
    const tasks = (await project.inspect(compensating.id)).tasks ?? []
    return tasks.find(({ id }) => id === 'task1')?.compensation?.status === 'completed'
  }, 'it is taken back')
  const decision = { task: 'task1', approved: true }
  const decided = await callOwner(stage.server.socket, 'POST', `/outpost/plans/${waiting}/decisions?project=${project.projectId}`, decision)
  assert.equal(decided.status, 200, await decided.text())
  assert.deepEqual((await stage.webhooks.ended(waiting)).body['results'], [{ message: 'paint' }])
  for (const service of [fast, slow, stopper]) assert.ok(runsOnce(service.runs), `${service.id} did each piece of work once`)
  for (const id of [running.id, retrying.id, waiting, compensating.id]) {
    const ids = stage.webhooks.received.items.filter(({ body }) => body.orchestration_id === id).map(({ headers }) => headers['x-outpost-delivery'])
    assert.equal(new Set(ids).size, 1, 'one delivery for each plan')
  }
})

test('a plan whose end nobody could be told before the gateway was killed is told by the next one, once', async (t) => {
  const stage = await startPlanStage(t)
  const project = await stage.project()
  const service = await stage.service(project, { name: 'echo', handler: echo })
  stage.plans('Echo it', () => chainOf(service))
  stage.webhooks.answer = 'hang up'
  const { id } = await project.run('Echo it', { message: 'hello' })
  await until(async () => (await project.inspect(id)).status === 'completed', 'it ends')
  await stage.kill()
  stage.webhooks.answer = 200
  await stage.restart()
  await stage.webhooks.ended(id)
  const second = await project.run('Echo it', { message: 'again' })
  await stage.webhooks.ended(second.id)
  assert.equal(stage.webhooks.received.items.filter(({ body }) => body.orchestration_id === id).length, 1)
})

test('the gateway killed while it plans: the plan is planned again after the start, and runs', async (t) => {
  const stage = await startPlanStage(t)
  const project = await stage.project()
  const service = await stage.service(project, { name: 'echo', handler: echo })
  stage.plans('Echo it', () => chainOf(service))
  const asked = Promise.withResolvers<void>()
  stage.onPrompt = () => {
    asked.resolve()
    return new Promise(() => {})
  }
  const cutOff = assert.rejects(project.order('Echo it', { message: 'hello' }))
  await asked.promise
  await stage.kill()
  await cutOff
  stage.onPrompt = () => {}
  await stage.restart()
  const { body } = await stage.webhooks.received.first()
  assert.deepEqual(body['results'], [{ message: 'hello' }])
  assert.equal(service.runs.size, 1)
})

test('a server that is stopped in good order leaves its plans to the next one, and none is told as ended before', async (t) => {
  const stage = await startPlanStage(t)
  const project = await stage.project()
  const gate = Promise.withResolvers<void>()
  const service = await stage.service(project, { name: 'slow', handler: (call) => gate.promise.then(() => echo(call)) })
  stage.plans('Echo it', () => chainOf(service, service))
  const { id } = await project.run('Echo it', { message: 'hello' })
  await service.requests.first()
  await stage.restart()
  assert.equal(stage.webhooks.received.items.length, 0)
  gate.resolve()
  assert.deepEqual((await stage.webhooks.ended(id)).body['results'], [{ message: 'hello' }])
  assert.ok(runsOnce(service.runs))
})

test('after a restart a task that one of two instances works on is not begun by the other, which comes first', async (t) => {
  const stage = await startPlanStage(t)
  const project = await stage.project()
  const gate = Promise.withResolvers<void>()
  const handler = (call: { input: Record<string, unknown> }) => gate.promise.then(() => echo(call))
  const one = await stage.service(project, { name: 'slow', instance: 'one', handler })
  const two = await stage.service(project, { name: 'slow', instance: 'two', instanceOf: one.id, handler })
  stage.plans('Echo it', () => chainOf(one))
  const { id } = await project.run('Echo it', { message: 'hello' })
  const holder = await Promise.race([one, two].map((each) => each.requests.first().then(() => each)))
  const other = holder === one ? two : one
  holder.drop({ stay: true })
  await stage.kill()
  await stage.restart()
  await until(async () => (await servicesOf(stage, project.projectId)).some(({ instances }) => instances === 1), 'the other one is back')
  holder.reconnect()
  await holder.requests.count(2)
  gate.resolve()
  await stage.webhooks.ended(id)
  assert.deepEqual([holder.runs.size, other.runs.size], [1, 0])
})

type Stage = Awaited<ReturnType<typeof startPlanStage>>

async function eventsOf({ server }: Stage, project: string, id: string): Promise<string[]> {
  const reply = await callOwner(server.socket, 'GET', `/outpost/plans/${id}?project=${project}`)
  return JSON.parse(await reply.text()).events.map(({ type }: { type: string }) => type)
}

async function servicesOf({ server }: Stage, project: string): Promise<{ instances: number }[]> {
  const reply = await callOwner(server.socket, 'GET', `/outpost/services?project=${project}`)
  return JSON.parse(await reply.text()).services
}
