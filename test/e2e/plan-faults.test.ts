import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { LoggedPlanEvent } from '#contracts/plan.ts'
import { callOwner } from '../helpers/owner.ts'
import type { PlanClient } from '../helpers/plan-client.ts'
import { chainOf, startPlanStage } from '../helpers/plan-stage.ts'
import { redisOf, until } from '../helpers/processes.ts'

const stage = await startPlanStage({ after })
const echo = ({ input }: { input: Record<string, unknown> }) => ({ message: input['message'] })
const never = new Promise<never>(() => {})

const owner = async (method: string, path: string, body?: unknown) => {
  const reply = await callOwner(stage.server.socket, method, path, body)
  return { status: reply.status, body: JSON.parse(await reply.text()) }
}
const logOf = async ({ projectId }: PlanClient, id: string): Promise<LoggedPlanEvent[]> =>
  (await owner('GET', `/outpost/plans/${id}?project=${projectId}`)).body.events
const has = (project: PlanClient, id: string, type: string) =>
  until(async () => (await logOf(project, id)).some((event) => event.type === type), `${type} of ${id}`)

test('a service that answers twice is heard once, and one that answers for another’s task is not heard', async () => {
  const project = await stage.project()
  const open = Promise.withResolvers<void>()
  const victim = await connect(project, { name: 'victim', handler: (call) => open.promise.then(() => echo(call)) })
  const liar = await connect(project, { name: 'liar', handler: () => ({ message: 'forged' }) })
  stage.plans('Carry both letters', () => chainOf([victim, liar]))
  liar.misbehaviour = { type: 'answers-twice' }
  const first = project.run('Carry both letters', { message: 'true' })
  const { executionId, idempotencyKey, id } = await victim.requests.first()
  for (const [serviceId, key] of [
    [liar.id, idempotencyKey],
    [victim.id, idempotencyKey],
    [victim.id, 'wrong']
  ] as const) {
    const payload = {
      type: 'task_result',
      taskId: id,
      executionId,
      idempotencyKey: key,
      serviceId,
      error: null,
      result: { task: { message: 'forged' } }
    }
    liar.write(JSON.stringify({ id: 'forged', payload }))
    liar.write(JSON.stringify(payload))
  }
  const { id: planId } = await first
  await has(project, planId, 'late-result')
  open.resolve()
  const { body } = await stage.webhooks.ended(planId)
  assert.deepEqual(body['results'], [{ message: 'true' }, { message: 'forged' }])
  const log = await logOf(project, planId)
  assert.equal(log.filter(({ type }) => type === 'task-completed').length, 2)
})

test('a service that does not answer in time is asked again with the same key, and its late result counts', async () => {
  const project = await stage.project()
  const late = Promise.withResolvers<void>()
  const service = await connect(project, { name: 'slow', handler: echo })
  service.misbehaviour = { type: 'answers-late', until: late.promise }
  stage.plans('Wait for the post', () => chainOf(service))
  const { id } = await project.run('Wait for the post', { message: 'x' }, { timeout: '50ms' })
  await has(project, id, 'task-attempt-failed')
  late.resolve()
  assert.deepEqual((await stage.webhooks.ended(id)).body['results'], [{ message: 'x' }])
  assert.deepEqual([...service.runs.values()], [1])
})

for (const sdk of ['javascript', 'python'] as const) {
  test(`a result that was ready when the line broke is handed in by a ${sdk} service, and nothing runs twice`, async () => {
    const project = await stage.project()
    const service = await connect(project, { name: 'echo', sdk, handler: echo })
    stage.plans(`Send it over a bad line, ${sdk}`, () => chainOf(service, service))
    service.misbehaviour = { type: 'drops-before-answer' }
    const { id } = await project.run(`Send it over a bad line, ${sdk}`, { message: 'x' })
    await service.connection.first(({ type }) => type === 'close')
    service.misbehaviour = undefined
    assert.deepEqual((await stage.webhooks.ended(id)).body['results'], [{ message: 'x' }])
    assert.deepEqual([...service.runs.values()], [1, 1])
  })
}

test('a result of 10 MiB goes on to the next task, and one over the limit fails its attempt with the reason', async () => {
  const project = await stage.project()
  const big = await connect(project, { name: 'big', handler: () => ({ message: 'y'.repeat(5 * 1024 * 1024) }) })
  const taker = await connect(project, { name: 'taker', handler: ({ input }) => ({ message: String(String(input['message']).length) }) })
  stage.plans('Move the whole archive', () => chainOf(big, taker))
  const { id } = await project.run('Move the whole archive', { message: 'x' })
  assert.deepEqual((await stage.webhooks.ended(id)).body['results'], [{ message: String(5 * 1024 * 1024) }])
  big.misbehaviour = { type: 'huge-result', bytes: 11 * 1024 * 1024 }
  const second = await project.run('Move the whole archive', { message: 'z' })
  await has(project, second.id, 'task-attempt-failed')
  const failed = (await logOf(project, second.id)).find(({ type }) => type === 'task-attempt-failed')
  assert.match(failed?.type === 'task-attempt-failed' ? failed.error : '', /the result has 11\d+ bytes/)
  await owner('POST', `/outpost/plans/${second.id}/abort?project=${project.projectId}`, { reason: 'enough' })
})

test('when one task aborts, its siblings are stopped and what they did is taken back, also when they answer late', async () => {
  const project = await stage.project()
  const open = Promise.withResolvers<void>()
  const undone: unknown[] = []
  const revert = (_request: unknown, { taskResult }: { taskResult: unknown }) => void undone.push(taskResult)
  const done = await connect(project, { name: 'done', handler: echo, revertible: true, revert })
  const slow = await connect(project, { name: 'slow', handler: (call) => open.promise.then(() => echo(call)), revertible: true, revert })
  const stopper = await connect(project, { name: 'stopper', handler: (call) => call.abort({ why: 'rain' }) })
  stage.plans('Have the picnic', () => chainOf(done, [slow, stopper]))
  const { id } = await project.run('Have the picnic', { message: 'cake' })
  assert.equal((await stage.webhooks.ended(id)).body.status, 'aborted')
  await done.requests.first(({ kind }) => kind === 'compensation')
  await has(project, id, 'compensation-completed')
  open.resolve()
  const { compensationContext } = await slow.requests.first(({ kind }) => kind === 'compensation')
  assert.equal(compensationContext?.reason, 'aborted')
  assert.deepEqual(compensationContext?.payload, { why: 'rain' })
  await until(() => undone.length === 2, 'both are taken back')
  assert.equal(stage.webhooks.received.items.filter(({ body }) => body.orchestration_id === id).length, 1)
})

test('of many who abort one plan at once exactly one does, and of many who decide, one', async () => {
  const project = await stage.project()
  const service = await connect(project, { name: 'echo', handler: () => never })
  stage.plans('Run into the sand', () => chainOf(service))
  const { id } = await project.run('Run into the sand', { message: 'x' })
  const path = `/outpost/plans/${id}/abort?project=${project.projectId}`
  const answers = await Promise.all(Array.from({ length: 8 }, () => owner('POST', path, { reason: 'no' })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array<number>(7).fill(409)])
  assert.equal((await logOf(project, id)).filter(({ type }) => type === 'plan-aborted').length, 1)

  const order = { action: 'Run into the sand', data: [{ field: 'message', value: 'y' }], approval: [service.id], async: true }
  const asked = (await owner('POST', `/outpost/plans?project=${project.projectId}`, order)).body.plan.id
  await has(project, asked, 'approval-requested')
  const decide = `/outpost/plans/${asked}/decisions?project=${project.projectId}`
  const decisions = await Promise.all([true, false, true, false].map((approved) => owner('POST', decide, { task: 'task1', approved, note: 'so' })))
  assert.equal(decisions.filter(({ status }) => status === 200).length, 1)
})

test('a plan that is aborted while it is planned is cancelled once, and is not carried out when the model answers', async () => {
  const project = await stage.project()
  const service = await connect(project, { name: 'echo', handler: echo })
  stage.plans('Think for long', () => chainOf(service))
  const answered = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  stage.onPrompt = () => {
    asked.resolve()
    return answered.promise
  }
  const order = { action: 'Think for long', data: [{ field: 'message', value: 'y' }], async: true }
  const { id } = (await owner('POST', `/outpost/plans?project=${project.projectId}`, order)).body.plan
  await asked.promise
  const path = `/outpost/plans/${id}/abort?project=${project.projectId}`
  const answers = await Promise.all(Array.from({ length: 3 }, () => owner('POST', path, { reason: 'no' })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409])
  stage.onPrompt = () => {}
  answered.resolve()
  await until(async () => (await project.inspect(id)).status !== 'pending', 'it is cancelled')
  assert.equal((await owner('GET', `/outpost/plans/${id}?project=${project.projectId}`)).body.plan.status, 'cancelled')
  assert.equal(service.requests.items.length, 0)
})

test('a plan stays with the service it was made with when that is registered anew or removed while it runs', async () => {
  const project = await stage.project()
  const open = Promise.withResolvers<void>()
  const service = await connect(project, { name: 'echo', handler: (call) => open.promise.then(() => echo(call)) })
  stage.plans('Keep to the old rules', () => chainOf(service, service))
  const { id } = await project.run('Keep to the old rules', { message: 'x' })
  const text = { type: 'object', properties: { other: { type: 'string' } } }
  const body = { id: service.id, name: 'echo', description: 'Does something else.', schema: { input: text, output: text }, revertible: false }
  assert.equal((await project.call('POST', '/register/service', body)).status, 200)
  assert.equal((await owner('DELETE', `/outpost/services/${service.id}?project=${project.projectId}`)).status, 200)
  open.resolve()
  assert.deepEqual((await stage.webhooks.ended(id)).body['results'], [{ message: 'x' }])
})

test('of instances that share a service’s tasks one dies in the middle, and every plan ends', async () => {
  const project = await stage.project()
  const one = await connect(project, { name: 'echo', instance: 'one', handler: echo })
  const doomed = await connect(project, { name: 'echo', instance: 'two', instanceOf: one.id, handler: () => never })
  stage.plans('Share the load', () => chainOf(one))
  const plans = await Promise.all(Array.from({ length: 6 }, (_, i) => project.run('Share the load', { message: `m${i}` })))
  await doomed.requests.first()
  doomed.drop({ stay: true })
  for (const [i, { id }] of plans.entries()) assert.deepEqual((await stage.webhooks.ended(id)).body['results'], [{ message: `m${i}` }])
})

test('Redis away while an action comes: it is planned all the same', async () => {
  const project = await stage.project()
  const service = await connect(project, { name: 'echo', handler: echo })
  stage.plans('Go without the queue', () => chainOf(service))
  process.kill(redisOf(stage.server.home), 'SIGKILL')
  const { id } = await project.run('Go without the queue', { message: 'x' })
  assert.equal((await stage.webhooks.ended(id)).body.status, 'completed')
})

function connect(project: PlanClient, options: Parameters<typeof stage.service>[1]) {
  return stage.service(project, options)
}
