import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints } from '#contracts/api.ts'
import { type PlanStreamEvent, PlanStreamEvent as StreamEvent } from '#contracts/plan-api.ts'
import { compensationFailure, echo, type PlanScript } from './scripted-plans.ts'
import { dataOf, type Scripted, startScripted } from './scripted-services.ts'

type Role = 'user' | 'administrator' | 'project'

const start = (script: PlanScript = {}) => startScripted(undefined, {}, script)

/** Calls with a fresh key of a role; without one as this machine does. */
function caller(server: Scripted, role?: Role, project?: string) {
  const key = role === undefined ? undefined : server.services.keys.create({ name: role, role, lane: 'interactive', ...(project && { project }) })
  const call = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key.secret}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
    return { status: response.status, headers: response.headers, text, json: (text.startsWith('{') ? JSON.parse(text) : undefined) as any }
  }
  return { call, key }
}

/** An echo in the server's own project. */
function withEcho(server: Scripted, project = server.services.plans.projects.own.id) {
  return server.services.plans.services.register(project, 'service', { ...echo, revertible: false })
}

const eventsOf = (body: string): PlanStreamEvent[] => dataOf(body).map((event) => StreamEvent.parse(event))

test('a plan that is run answers when it has ended, with its results', async () => {
  await using server = await start()
  withEcho(server)
  const { status, json, headers } = await caller(server).call('POST', '/outpost/plans', { action: 'Echo', data: [{ field: 'message', value: 'hi' }] })
  const { plan } = endpoints.runPlan.reply.parse(json)
  assert.deepEqual([status, plan.status, plan.results, plan.clientId], [200, 'completed', [{ done: true }], 'local'])
  assert.equal(headers.get('x-outpost-plan-id'), plan.id)
})

test('a plan that fails while it runs is an answer, too, and not an error', async () => {
  await using server = await start({ plan: (plan) => plan.finish('failed') })
  withEcho(server)
  const { status, json } = await caller(server).call('POST', '/outpost/plans', { action: 'Echo' })
  assert.deepEqual([status, json.plan.status, json.plan.failure.code], [200, 'failed', 'task_failed'])
})

test('what cannot be planned is an error that names the plan on record', async () => {
  await using server = await start()
  withEcho(server)
  const { call } = caller(server)
  const { status, json, headers } = await call('POST', '/outpost/plans', { action: 'Do the impossible' })
  assert.deepEqual([status, json.error.code], [422, 'not_actionable'])
  const shown = await call('GET', `/outpost/plans/${headers.get('x-outpost-plan-id')}`)
  assert.equal(endpoints.plan.reply.parse(shown.json).plan.status, 'not_actionable')
})

test('asked for asynchronously it answers 202 while it is being planned', async () => {
  const planned = Promise.withResolvers<void>()
  await using server = await start({ planning: () => planned.promise })
  withEcho(server)
  const { call } = caller(server)
  const { status, json } = await call('POST', '/outpost/plans', { action: 'Echo', async: true })
  assert.deepEqual([status, json.plan.status], [202, 'pending'])
  const followed = call('GET', `/outpost/plans/${json.plan.id}/events`)
  planned.resolve()
  assert.deepEqual(
    eventsOf((await followed).text).flatMap((event) => (event.type === 'plan-status' ? [event.plan.status] : [])),
    ['pending', 'processing', 'completed']
  )
})

test('a failure of the planning that nobody waits for is on record and harms nobody', async () => {
  const planned = Promise.withResolvers<void>()
  await using server = await start({ planning: () => planned.promise })
  withEcho(server)
  const { call } = caller(server)
  const { json } = await call('POST', '/outpost/plans', { action: 'Do the impossible', async: true })
  planned.resolve()
  const { text } = await call('GET', `/outpost/plans/${json.plan.id}/events`)
  const last = eventsOf(text).at(-1)
  assert.equal(last?.type === 'plan-status' && last.plan.failure?.code, 'not_actionable')
})

test('a plan is followed from the start: progress, log and states, in order, until it is settled', async () => {
  await using server = await start({ planning: (plan) => plan.progress({ type: 'attempt', attempt: 1, phase: 'whole' }) })
  withEcho(server)
  const { call } = caller(server)
  const { json } = await call('POST', '/outpost/plans', { action: 'Echo' })
  const { text, headers } = await call('GET', `/outpost/plans/${json.plan.id}/events`)
  assert.match(headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.deepEqual(
    eventsOf(text).map((event) => (event.type === 'plan-event' ? event.event.type : event.type === 'plan-status' ? event.plan.status : event.type)),
    ['pending', 'plan-progress', 'plan-started', 'processing', 'task-sent', 'task-completed', 'plan-completed', 'completed']
  )
  assert.deepEqual(
    text.split('\n').filter((line) => line.startsWith('id: ')),
    ['id: 0', 'id: 1', 'id: 2', 'id: 3', 'id: 3.end']
  )
})

test('following goes on after the last event seen, and has an end for a browser that always comes back', async () => {
  await using server = await start()
  withEcho(server)
  const { call } = caller(server)
  const { json } = await call('POST', '/outpost/plans', { action: 'Echo' })
  const after = (id: string) => call('GET', `/outpost/plans/${json.plan.id}/events`, undefined, { 'last-event-id': id })
  const { text } = await after('2')
  assert.deepEqual(
    eventsOf(text).flatMap((event) => (event.type === 'plan-event' ? [event.event.offset] : [])),
    [3]
  )
  assert.equal((await after('3.end')).status, 204)
})

test('a follower whose key is revoked is cut off, and the plan goes on', async () => {
  await using server = await start({ plan: () => {} })
  withEcho(server)
  const { call, key } = caller(server, 'user')
  const { json } = await call('POST', '/outpost/plans', { action: 'Echo', async: true })
  const response = await fetch(`${server.url}/outpost/plans/${json.plan.id}/events`, { headers: { 'x-api-key': key?.secret ?? '' } })
  server.services.keys.revoke(key?.key.id ?? '')
  const last = eventsOf(await response.text()).at(-1)
  assert.equal(last?.type === 'error' && last.code, 'key_revoked')
  assert.equal((await caller(server).call('GET', `/outpost/plans/${json.plan.id}`)).json.plan.status, 'processing')
})

test('one who waits for the end of a plan is told when the server stops, and does not hold it up', async () => {
  const running = Promise.withResolvers<void>()
  const server = await start({ plan: () => running.resolve() })
  withEcho(server)
  const waiting = caller(server).call('POST', '/outpost/plans', { action: 'Echo' })
  await running.promise
  await server.app.close()
  const { status, json } = await waiting
  assert.deepEqual([status, json.error.code], [503, 'shutting_down'])
})

test('plans are listed newest first, by state and page by page', async () => {
  await using server = await start()
  withEcho(server)
  const { call } = caller(server)
  for (const action of ['one', 'impossible', 'two']) await call('POST', '/outpost/plans', { action })
  const actionsOf = async (query: string) => {
    const page = endpoints.plans.reply.parse((await call('GET', `/outpost/plans${query}`)).json)
    return { actions: page.plans.map(({ action }) => action), next: page.next }
  }
  const first = await actionsOf('?limit=2')
  assert.deepEqual(first.actions, ['two', 'impossible'])
  assert.deepEqual(await actionsOf(`?limit=2&before=${first.next}`), { actions: ['one'], next: null })
  assert.deepEqual((await actionsOf('?status=not_actionable')).actions, ['impossible'])
  for (const query of ['?limit=0', '?limit=1001', '?status=sleeping']) assert.equal((await call('GET', `/outpost/plans${query}`)).status, 400, query)
})

test('the graph says which field goes where and what may run at the same time', async () => {
  await using server = await start()
  withEcho(server)
  withEcho(server)
  const { call } = caller(server)
  const { json } = await call('POST', '/outpost/plans', { action: 'Echo' })
  const graph = endpoints.planGraph.reply.parse((await call('GET', `/outpost/plans/${json.plan.id}/graph`)).json)
  assert.deepEqual(
    graph.nodes.map((node) => [node.id, node.type === 'data' ? 'data' : node.serviceName, node.level]),
    [
      ['task0', 'data', 0],
      ['task1', 'echo', 1],
      ['task2', 'echo', 2]
    ]
  )
  assert.deepEqual(graph.levels, [['task0'], ['task1'], ['task2']])
  assert.deepEqual(graph.edges, [
    { from: 'task0', to: 'task1', field: 'message', input: 'message' },
    { from: 'task1', to: 'task2', field: 'echoed', input: 'message' }
  ])
})

test('people approve and refuse; the key of a project, which its services hold, may not', async () => {
  await using server = await start({ plan: (plan) => plan.log({ type: 'approval-requested', task: 'task1' }) })
  const project = server.services.plans.projects.create('shop').id
  withEcho(server, project)
  const service = caller(server, 'project', project)
  const root = caller(server, 'administrator')
  const { json } = await service.call('POST', '/outpost/plans', { action: 'Echo', async: true })
  const path = `/outpost/plans/${json.plan.id}/decisions`
  assert.equal((await service.call('POST', path, { task: 'task1', approved: true })).status, 403)
  assert.equal((await root.call('POST', `${path}?project=${project}`, { task: 'task1', approved: true, note: 'ok' })).status, 200)
  assert.equal((await root.call('POST', `${path}?project=${project}`, { task: 'task1', approved: false })).json.error.code, 'conflict')
  const { events } = endpoints.plan.reply.parse((await service.call('GET', `/outpost/plans/${json.plan.id}`)).json)
  const decided = events.find((event) => event.type === 'approval-decided')
  assert.deepEqual(decided?.type === 'approval-decided' && [decided.approved, decided.by, decided.note], [true, root.key?.key.id, 'ok'])
})

test('a plan is aborted once', async () => {
  await using server = await start({ plan: () => {} })
  withEcho(server)
  const { call } = caller(server)
  const { json } = await call('POST', '/outpost/plans', { action: 'Echo', async: true })
  const aborted = await call('POST', `/outpost/plans/${json.plan.id}/abort`, { reason: 'changed my mind' })
  assert.deepEqual([aborted.status, aborted.json.plan.status], [200, 'aborted'])
  assert.match(aborted.json.plan.failure.message, /changed my mind/)
  assert.equal((await call('POST', `/outpost/plans/${json.plan.id}/abort`, {})).status, 409)
})

test('prompts and answers of the planning are for administrators', async () => {
  await using server = await start()
  withEcho(server)
  const { call } = caller(server)
  const { json } = await call('POST', '/outpost/plans', { action: 'Echo' })
  const path = `/outpost/plans/${json.plan.id}/attempts`
  assert.equal((await call('GET', path)).status, 403)
  assert.equal((await caller(server, 'user').call('GET', path)).status, 403)
  const shown = await caller(server, 'administrator').call('GET', path)
  assert.equal(endpoints.planAttempts.reply.parse(shown.json).attempts[0]?.prompt, 'Plan this')
})

test('only administrators look into another project than their own', async () => {
  await using server = await start()
  const shop = server.services.plans.projects.create('shop').id
  withEcho(server, shop)
  const [root, user, keeper] = [caller(server, 'administrator'), caller(server, 'user'), caller(server, 'project', shop)]
  const { json } = await keeper.call('POST', '/outpost/plans', { action: 'Echo' })
  assert.equal((await root.call('GET', `/outpost/plans/${json.plan.id}?project=${shop}`)).status, 200)
  assert.equal((await root.call('GET', `/outpost/plans/${json.plan.id}`)).status, 404)
  assert.equal((await root.call('GET', '/outpost/plans?project=p_nope')).status, 404)
  assert.equal((await user.call('GET', `/outpost/plans/${json.plan.id}?project=${shop}`)).status, 403)
  assert.equal((await user.call('GET', `/outpost/plans/${json.plan.id}`)).status, 404)
  assert.equal((await keeper.call('GET', `/outpost/plans?project=${shop}`)).status, 200)
})

test('services are registered, listed, shown and taken out', async () => {
  await using server = await start()
  const { call } = caller(server, 'administrator')
  const registered = await call('POST', '/outpost/services', { ...echo, kind: 'agent', approval: true })
  const { service } = endpoints.registerService.reply.parse(registered.json)
  assert.deepEqual([registered.status, service.kind, service.approval], [201, 'agent', true])
  assert.equal(endpoints.service.reply.parse((await call('GET', `/outpost/services/${service.id}`)).json).service.healthy, true)
  assert.equal((await caller(server).call('POST', '/outpost/services', echo)).status, 403)
  assert.equal((await caller(server).call('DELETE', `/outpost/services/${service.id}`)).status, 403)
  assert.deepEqual((await call('DELETE', `/outpost/services/${service.id}`)).json, { removed: true, id: service.id })
  assert.deepEqual(endpoints.services.reply.parse((await call('GET', '/outpost/services')).json).services, [])
})

test('groundings, webhooks and their deliveries, failures and the cache are looked after by stewards', async () => {
  await using server = await start()
  const own = server.services.plans.projects.own.id
  const { call } = caller(server, 'administrator')
  const grounding = { name: 'shop', domain: 'shop', version: '1', useCases: [{ action: 'Buy', capabilities: ['sell'], intent: 'x' }] }
  assert.equal((await call('POST', '/outpost/groundings', grounding)).status, 201)
  assert.equal((await call('POST', '/outpost/groundings', grounding)).status, 409)
  assert.equal(endpoints.groundings.reply.parse((await call('GET', '/outpost/groundings')).json).groundings[0]?.name, 'shop')
  assert.equal((await call('DELETE', '/outpost/groundings/shop')).status, 200)
  assert.equal((await call('DELETE', '/outpost/groundings/shop')).status, 404)

  const added = endpoints.addWebhook.reply.parse((await call('POST', '/outpost/webhooks', { url: 'http://localhost:9/x' })).json)
  assert.equal(added.webhook.kind, 'plan')
  const webhooks = await call('GET', '/outpost/webhooks')
  assert.equal(endpoints.webhooks.reply.parse(webhooks.json).webhooks.length, 1)
  assert.ok(!webhooks.text.includes(added.secret), 'the secret is shown once')
  const waiting = { state: 'waiting', attempts: 1, status: 500, error: 'HTTP 500', nextAt: 9, createdAt: 1, deliveredAt: null } as const
  server.scriptedPlans.deliveries.push({ id: 'd1', webhookId: added.webhook.id, url: added.webhook.url, event: 'x', planId: 'o_1', ...waiting })
  assert.equal(endpoints.deliveries.reply.parse((await call('GET', '/outpost/deliveries?plan=o_1')).json).deliveries.length, 1)
  assert.equal(endpoints.deliveries.reply.parse((await call('GET', '/outpost/deliveries?plan=o_2')).json).deliveries.length, 0)
  assert.equal((await call('POST', '/outpost/deliveries/d1/redeliver')).status, 202)
  assert.deepEqual(server.scriptedPlans.asked, [`redeliver d1 of ${own}`])
  assert.equal((await call('DELETE', `/outpost/webhooks/${added.webhook.id}`)).status, 200)

  const failure = compensationFailure(own)
  server.scriptedPlans.failures.push(failure)
  const settled = await call('POST', `/outpost/compensation-failures/${failure.id}/settle`, { resolution: 'resolved', reason: 'by hand' })
  assert.equal(endpoints.settleCompensation.reply.parse(settled.json).failure.resolution, 'by hand')
  assert.equal(endpoints.compensationFailures.reply.parse((await call('GET', '/outpost/compensation-failures')).json).failures.length, 1)
  assert.deepEqual((await call('DELETE', '/outpost/plan-cache')).json, { cleared: 3 })
  assert.deepEqual((await call('GET', '/outpost/plan-cache')).json, { entries: [] })

  for (const path of ['/outpost/webhooks', '/outpost/deliveries', '/outpost/plan-cache', '/outpost/projects']) {
    assert.equal((await caller(server, 'user').call('GET', path)).status, 403, path)
  }
})

test('a project is made with its first key, and more keys for it', async () => {
  await using server = await start()
  const { call } = caller(server, 'administrator')
  const made = endpoints.createProject.reply.parse((await call('POST', '/outpost/projects', { name: 'shop' })).json)
  assert.match(made.secret, /^sk-orra-v1-[0-9a-f]{64}$/)
  assert.deepEqual([made.key.role, made.key.projectId], ['project', made.project.id])
  const more = endpoints.createKey.reply.parse(
    (await call('POST', '/outpost/keys', { name: 'worker', role: 'project', project: made.project.id })).json
  )
  assert.equal(more.key.projectId, made.project.id)
  assert.equal((await call('POST', '/outpost/keys', { name: 'worker', role: 'project', project: 'p_nope' })).status, 404)
  assert.equal((await call('POST', '/outpost/keys', { name: 'worker', role: 'project' })).json.error.param, 'project')
  assert.equal((await call('POST', '/outpost/keys', { name: 'x', role: 'administrator', project: made.project.id })).json.error.param, 'project')
  const { projects, own } = endpoints.projects.reply.parse((await call('GET', '/outpost/projects')).json)
  assert.deepEqual([projects.length, projects[0]?.id], [2, own])
})

test('who changed what about plans is a line of the log each, and no secret is in it', async () => {
  await using server = await start({ plan: () => {} })
  withEcho(server)
  const { call } = caller(server, 'administrator')
  await call('POST', '/outpost/webhooks', { url: 'http://localhost:9/x' })
  const { json } = await call('POST', '/outpost/plans', { action: 'canary-action', async: true })
  await call('POST', `/outpost/plans/${json.plan.id}/abort`, { reason: 'canary-reason' })
  const made = await call('POST', '/outpost/projects', { name: 'shop' })
  const audited = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ audit }) => audit === true)
  assert.deepEqual(
    audited.map(({ action }) => action),
    ['add webhook', 'abort plan', 'create project']
  )
  for (const secret of ['canary', 'whsec', made.json.secret]) assert.ok(!server.logged.some((line) => line.includes(secret)), secret)
})
