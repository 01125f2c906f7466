import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../server/errors.ts'
import { createServiceAuthentication } from '../../server/http/plan-project.ts'
import { version } from '../../server/version.ts'
import { compensationFailure, echo } from './scripted-plans.ts'
import { type Scripted, startScripted } from './scripted-services.ts'

const hook = 'http://localhost:9/hook'

/** A caller of the plan engine's API, with the key of a project just registered unless another header is given. */
async function registered(server: Scripted, body: object = { name: 'demo', webhooks: [hook] }) {
  const send = async (method: string, path: string, options: { body?: unknown; authorization?: string; headers?: Record<string, string> } = {}) => {
    const { body: payload, authorization, headers = {} } = options
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(payload === undefined ? {} : { body: typeof payload === 'string' ? payload : JSON.stringify(payload) })
    })
    const text = await response.text()
    // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
    return { status: response.status, headers: response.headers, text, json: (text === '' ? undefined : JSON.parse(text)) as any }
  }
  const project = (await send('POST', '/register/project', { body })).json as { id: string; apiKey: string; [field: string]: unknown }
  const call = (method: string, path: string, payload?: unknown) =>
    send(method, path, { authorization: `Bearer ${project.apiKey}`, ...(payload === undefined ? {} : { body: payload }) })
  return { send, call, project }
}

test('a project is registered from this machine without a key, and its key works at once', async () => {
  await using server = await startScripted()
  const { call, project } = await registered(server)
  assert.match(project.id, /^p_/)
  assert.match(project.apiKey, /^sk-orra-v1-[0-9a-f]{64}$/)
  assert.deepEqual(project['webhooks'], [hook])
  assert.ok(!Number.isNaN(Date.parse(String(project['createdAt']))))
  assert.equal((await call('GET', '/orchestrations')).status, 200)
})

test('a project cannot be registered through a proxy or by the key of another project', async () => {
  await using server = await startScripted()
  const { send, project } = await registered(server)
  const forwarded = await send('POST', '/register/project', { body: {}, headers: { 'x-forwarded-for': '127.0.0.1' } })
  assert.deepEqual([forwarded.status, forwarded.text], [403, ''])
  const other = await send('POST', '/register/project', { body: {}, authorization: `Bearer ${project.apiKey}` })
  assert.deepEqual([other.status, other.text], [403, ''])
  const { secret } = server.services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  const byAdministrator = await send('POST', '/register/project', {
    body: {},
    authorization: `Bearer ${secret}`,
    headers: { 'x-forwarded-for': '127.0.0.1' }
  })
  assert.equal(byAdministrator.status, 201)
})

test('an id, a key or more keys sent with a project are not taken over, so that nobody takes another one’s key', async () => {
  await using server = await startScripted()
  const { send, project, call } = await registered(server)
  const thief = await send('POST', '/register/project', {
    body: { id: project.id, apiKey: project.apiKey, additionalAPIKeys: [project.apiKey], createdAt: '1999-01-01T00:00:00Z' }
  })
  assert.equal(thief.status, 201)
  assert.notEqual(thief.json.id, project.id)
  assert.notEqual(thief.json.apiKey, project.apiKey)
  assert.deepEqual(thief.json.additionalAPIKeys, [])
  await call('POST', '/register/service', echo)
  assert.equal(server.scriptedPlans.services[0]?.projectId, project.id)
})

test('a project whose webhook is no address is not made at all', async () => {
  await using server = await startScripted()
  const { send } = await registered(server)
  const before = server.services.plans.projects.list().length
  const refused = await send('POST', '/register/project', { body: { webhooks: [hook, 'nope'] } })
  assert.deepEqual([refused.status, refused.json.error.kind], [400, 'input validation error'])
  assert.equal(server.services.plans.projects.list().length, before)
})

test('without a key of this form the answer is 403 without a body; an unknown or revoked key is 400 and never repeated', async () => {
  await using server = await startScripted()
  const { send, project } = await registered(server)
  for (const authorization of [undefined, 'Token x', 'Bearer', 'Bearer a b', project.apiKey]) {
    const refused = await send('GET', '/groundings', authorization === undefined ? {} : { authorization })
    assert.deepEqual([refused.status, refused.text], [403, ''], authorization)
  }
  const [key] = server.services.keys.list()
  server.services.keys.revoke(key?.id ?? '')
  for (const secret of ['invalid-key', project.apiKey]) {
    const refused = await send('POST', '/orchestrations', { authorization: `Bearer ${secret}`, body: { action: { content: 'x' } } })
    assert.deepEqual([refused.status, refused.json.error.kind], [400, 'invalid request error'])
    assert.ok(!refused.text.includes(secret))
  }
})

test('while there are no keys at all, an unknown one is still unknown', async () => {
  await using server = await startScripted()
  const response = await fetch(`${server.url}/orchestrations`, { headers: { authorization: 'Bearer sk-orra-v1-x' } })
  assert.equal(response.status, 400)
})

test('every answer says the version, errors and health included', async () => {
  await using server = await startScripted()
  const { send, call } = await registered(server)
  const answers = [
    await send('GET', '/health'),
    await send('GET', '/groundings'),
    await call('GET', '/groundings'),
    await call('POST', '/webhooks', {})
  ]
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('x-orra-planeengine-version')]),
    [200, 403, 200, 400].map((status) => [status, version])
  )
  assert.deepEqual(answers[0]?.json, {})
})

test('a project’s key opens its own project and nothing else of the server', async () => {
  await using server = await startScripted()
  const { send, call, project } = await registered(server)
  const other = await registered(server)
  await call('POST', '/register/service', echo)
  const { json } = await call('POST', '/orchestrations', { action: { content: 'Echo' } })
  assert.equal((await other.call('GET', `/orchestrations/inspections/${json.id}`)).json.error.code, 'Orra:UnknownOrchestration')
  assert.deepEqual((await other.call('GET', '/orchestrations')).json, {})
  for (const path of ['/v1/models', '/outpost/status', '/outpost/keys', '/outpost/projects', '/metrics']) {
    assert.equal((await send('GET', path, { authorization: `Bearer ${project.apiKey}` })).status, 403, path)
  }
  const elsewhere = await send('GET', `/outpost/plans?project=${other.project.id}`, { authorization: `Bearer ${project.apiKey}` })
  assert.equal(elsewhere.status, 403)
})

test('keys of users and administrators work in the server’s own project, as far as their role goes', async () => {
  await using server = await startScripted()
  const { send } = await registered(server)
  const secretOf = (role: 'user' | 'administrator') => server.services.keys.create({ name: role, role, lane: 'interactive' }).secret
  const [user, administrator] = [`Bearer ${secretOf('user')}`, `Bearer ${secretOf('administrator')}`]
  assert.equal((await send('POST', '/register/agent', { authorization: user, body: echo })).json.status, 'registered')
  assert.equal(server.scriptedPlans.services[0]?.projectId, server.services.plans.projects.own.id)
  assert.equal((await send('GET', '/orchestrations', { authorization: user })).status, 200)
  assert.equal((await send('POST', '/apikeys', { authorization: user })).status, 403)
  assert.equal((await send('POST', '/apikeys', { authorization: administrator })).status, 201)
})

test('the word local stands for no key on this machine: plans yes, keys no', async () => {
  await using server = await startScripted()
  const { send } = await registered(server)
  assert.equal((await send('GET', '/orchestrations', { authorization: 'Bearer local' })).status, 200)
  assert.equal((await send('POST', '/apikeys', { authorization: 'Bearer local' })).status, 403)
})

test('one more key of a project opens the same project', async () => {
  await using server = await startScripted()
  const { send, call } = await registered(server)
  const { json } = await call('POST', '/apikeys')
  await send('POST', '/webhooks', { authorization: `Bearer ${json.apiKey}`, body: { url: 'http://localhost:9/two' } })
  assert.deepEqual(
    server.services.plans.webhooks.list(String(server.services.keys.list()[0]?.projectId)).map(({ url }) => url),
    [hook, 'http://localhost:9/two']
  )
})

test('a service is registered, and again with its id it is a new version of the same', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  const first = await call('POST', '/register/service', { id: null, ...echo, revertible: true, version: 99 })
  assert.equal(first.status, 200)
  assert.deepEqual(first.json, { id: first.json.id, name: 'echo', status: 'registered', revertible: true, version: 1 })
  const second = await call('POST', '/register/service', { ID: first.json.id, Name: 'echo', Description: '', Schema: echo.schema })
  assert.deepEqual([second.json.id, second.json.version], [first.json.id, 2])
})

test('a service that cannot be registered is the client’s fault, and the field is named', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  const nameless = await call('POST', '/register/service', { schema: echo.schema })
  assert.deepEqual([nameless.status, nameless.json.error.kind, nameless.json.error.param], [400, 'input validation error', 'name'])
  const unknown = await call('POST', '/register/service', { ...echo, id: 's_nope' })
  assert.deepEqual([unknown.status, unknown.json.error.kind], [400, 'item does not exist'])
})

test('a body that cannot be read is 400 with the code that clients know', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  for (const body of ['{', '[]', '"x"', '{"action":5}', '{"action":{"content":5}}', '{"data":{}}', '{"data":[{"field":1}]}']) {
    const { status, json } = await call('POST', '/orchestrations', body)
    assert.deepEqual([status, json.error.kind, json.error.code], [400, 'invalid request error', 'Orra:JSONMarshalingFail'], body)
  }
  assert.equal((await call('POST', '/orchestrations')).json.error.code, 'Orra:JSONMarshalingFail')
})

test('JSON is taken whatever type it says it has', async () => {
  await using server = await startScripted()
  const { send, project } = await registered(server)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    const { status } = await send('POST', '/webhooks', {
      authorization: `Bearer ${project.apiKey}`,
      body: { url: hook },
      headers: { 'content-type': type }
    })
    assert.equal(status, 201, type)
  }
})

test('an action is answered when its plan is made, with the plan and the services of its tasks', async () => {
  await using server = await startScripted()
  const { call, project } = await registered(server)
  const service = (await call('POST', '/register/service', echo)).json
  const { status, json } = await call('POST', '/orchestrations', {
    action: { type: 'echo', Content: 'Echo this', unknown: 1 },
    data: [
      { Field: 'message', VALUE: 'hi' },
      { field: 'nothing', value: null }
    ],
    timeout: '1m30s',
    healthCheckGracePeriod: { Duration: 5_000_000_000 },
    webhook: 'http://old.example'
  })
  assert.equal(status, 202)
  assert.deepEqual([json.projectID, json.status, json.timeout, json.healthCheckGracePeriod], [project.id, 'processing', '1m30s', '5s'])
  assert.deepEqual(json.taskZero, { message: 'hi', nothing: null })
  assert.deepEqual(json.plan.parallel_groups, [['task1']])
  assert.deepEqual(
    json.plan.tasks.map(({ id, service: of, service_name: name, input }: Record<string, unknown>) => ({ id, of, name, input })),
    [{ id: 'task1', of: service.id, name: 'echo', input: { message: '$task0.message' } }]
  )
})

test('data may be null, and durations are texts, nanoseconds or the old form', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  await call('POST', '/register/service', echo)
  const timeoutOf = async (timeout: unknown) => {
    const { status, json } = await call('POST', '/orchestrations', { action: { content: 'Echo' }, data: null, timeout })
    return status === 202 ? json.timeout : [status, json.error.param]
  }
  assert.deepEqual([await timeoutOf(null), await timeoutOf(2_000_000_000), await timeoutOf('1.5s')], ['30s', '2s', '1.5s'])
  for (const wrong of ['30', true, -1, 'soon', '0s']) assert.deepEqual(await timeoutOf(wrong), [400, 'timeout'], String(wrong))
})

test('an action without words is refused by its field', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  for (const action of [undefined, null, {}, { content: '' }, { content: '   ' }]) {
    const { status, json } = await call('POST', '/orchestrations', { action })
    assert.deepEqual([status, json.error.kind, json.error.param], [400, 'input validation error', 'action.content'])
  }
})

test('what no service can do is told apart from what went wrong', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  const noService = await call('POST', '/orchestrations', { action: { content: 'Echo' } })
  assert.deepEqual([noService.status, noService.json.error.kind, noService.json.error.code], [500, 'unanticipated error', 'Orra:ActionCannotExecute'])
  await call('POST', '/register/service', echo)
  const impossible = await call('POST', '/orchestrations', { action: { content: 'Do the impossible' } })
  assert.deepEqual([impossible.status, impossible.json.error.code], [400, 'Orra:ActionNotActionable'])
  assert.match(impossible.json.error.message, /no service can do the impossible/)
})

test('what hinders an action is the project’s fault or the moment’s, and not the request’s', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  const answerTo = async (error: AppError) => {
    server.services.plans.run = async () => {
      throw error
    }
    const { status, json, headers } = await call('POST', '/orchestrations', { action: { content: 'Echo' } })
    return [status, json.error.code, headers.get('retry-after')]
  }
  assert.deepEqual(await answerTo(new AppError('invalid_request', 'no service')), [500, 'Orra:ActionCannotExecute', null])
  assert.deepEqual(await answerTo(new AppError('queue_full', 'later', { retryAfter: 7 })), [503, 'Orra:ActionCannotExecute', '7'])
  assert.deepEqual(await answerTo(new AppError('shutting_down', 'bye')), [503, 'Orra:PlanEngineShuttingDown', '2'])
})

test('a project without a webhook is told that nobody would hear of the result', async () => {
  await using server = await startScripted()
  const { call } = await registered(server, {})
  await call('POST', '/register/service', echo)
  const { status, json } = await call('POST', '/orchestrations', { action: { content: 'Echo' } })
  assert.deepEqual([status, json.error.code], [500, 'Orra:ActionCannotExecute'])
  assert.match(json.error.message, /POST \/webhooks/)
})

test('the list has plans by state, and leads on to older ones instead of dropping them', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  await call('POST', '/register/service', echo)
  for (let count = 0; count < 3; count++) await call('POST', '/orchestrations', { action: { content: `Echo ${count}` } })
  const first = await call('GET', '/orchestrations?limit=2')
  assert.deepEqual(
    first.json.completed.map(({ action }: { action: string }) => action),
    ['Echo 2', 'Echo 1']
  )
  const next = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
  const second = await call('GET', next)
  assert.deepEqual(
    second.json.completed.map(({ action }: { action: string }) => action),
    ['Echo 0']
  )
  assert.equal(second.headers.get('link'), null)
  assert.equal((await call('GET', '/orchestrations?limit=0')).status, 400)
})

test('an inspection shows a plan of the project', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  await call('POST', '/register/service', echo)
  const { json } = await call('POST', '/orchestrations', { action: { content: 'Echo' } })
  const inspection = await call('GET', `/orchestrations/inspections/${json.id}`)
  assert.deepEqual([inspection.status, inspection.json.id, inspection.json.status, inspection.json.tasks.length], [200, json.id, 'completed', 1])
})

test('groundings are applied once a version, listed by name, and removed', async () => {
  await using server = await startScripted()
  const { call, project } = await registered(server)
  const grounding = (name: string, version = '1.0') => ({
    Name: name,
    domain: 'shop',
    version,
    UseCases: [{ action: 'Buy', Capabilities: ['sell'], intent: 'x' }]
  })
  assert.equal((await call('GET', '/groundings')).json, null)
  assert.equal((await call('POST', '/groundings', grounding('zebra'))).json.projectID, project.id)
  await call('POST', '/groundings', grounding('ant'))
  const again = await call('POST', '/groundings', grounding('ant'))
  assert.deepEqual([again.status, again.json.error.kind, again.json.error.param], [400, 'invalid operation', 'version'])
  assert.match(again.json.error.message, /already has.*with name ant.*and version 1\.0/)
  assert.equal((await call('POST', '/groundings', grounding('ant', '2.0'))).status, 201)
  assert.deepEqual(
    (await call('GET', '/groundings')).json.map(({ name, version: of }: Record<string, string>) => `${name} ${of}`),
    ['ant 2.0', 'zebra 1.0']
  )
  const wrong = await call('POST', '/groundings', grounding('A'))
  assert.deepEqual([wrong.status, wrong.json.error.kind, wrong.json.error.param], [400, 'invalid request error', 'name'])
  for (const path of ['/groundings/ant', '/groundings/ant', '/groundings']) assert.equal((await call('DELETE', path)).status, 204, path)
  assert.equal((await call('GET', '/groundings')).json, null)
})

test('compensations that failed are listed, shown and settled', async () => {
  await using server = await startScripted()
  const { call, project } = await registered(server)
  assert.equal((await call('GET', '/compensation-failures')).json, null)
  const [one, two] = [compensationFailure(project.id), compensationFailure(project.id)]
  server.scriptedPlans.failures.push(one, two)
  const shown = (await call('GET', `/compensation-failures/${one.id}`)).json
  assert.deepEqual(
    [shown.orchestrationId, shown.compensationData, shown.resolutionState, shown.timestamp],
    ['o_1', { data: { paid: 5 }, context: { reason: 'failed' }, ttl: 1000 }, 'pending', '2023-11-14T22:13:20.000Z']
  )
  assert.equal((await call('POST', `/compensation-failures/${one.id}/resolve`, { reason: 'paid back by hand' })).json.resolution, 'paid back by hand')
  assert.equal((await call('POST', `/compensation-failures/${two.id}/ignore`, { reason: null })).json.resolutionState, 'ignored')
  assert.equal((await call('GET', '/compensation-failures')).json.length, 2)
  const unknown = await call('POST', '/compensation-failures/c_nope/resolve', {})
  assert.deepEqual([unknown.status, unknown.json.error.kind], [400, 'item does not exist'])
})

test('a failure inside is told without its inside', async () => {
  await using server = await startScripted()
  const { call } = await registered(server)
  server.services.plans.plans.list = () => {
    throw new Error('canary in the inside')
  }
  const { status, text, json } = await call('GET', '/orchestrations')
  assert.deepEqual([status, json.error.kind], [500, 'internal error'])
  assert.ok(!text.includes('canary'))
  assert.ok(server.logged.some((line) => line.includes('request failed')))
})

test('a project of 500 services lists and plans', async () => {
  await using server = await startScripted()
  const { call, project } = await registered(server)
  for (let count = 0; count < 500; count++) server.services.plans.services.register(project.id, 'service', { ...echo, revertible: false })
  const { status, json } = await call('POST', '/orchestrations', { action: { content: 'Echo' } })
  assert.deepEqual([status, json.plan.tasks.length], [202, 500])
})

test('a service that comes by WebSocket is known by its key, until that is revoked', async () => {
  await using server = await startScripted()
  const { project } = await registered(server)
  const { keys, plans } = server.services
  const authenticate = createServiceAuthentication(keys, plans)
  const [key] = keys.list()
  assert.deepEqual(authenticate(project.apiKey), { projectId: project.id, keyId: key?.id })
  const { secret, key: user } = keys.create({ name: 'user', role: 'user', lane: 'normal' })
  assert.deepEqual(authenticate(secret), { projectId: plans.projects.own.id, keyId: user.id })
  keys.revoke(key?.id ?? '')
  assert.equal(authenticate(project.apiKey), undefined)
  assert.equal(authenticate('local'), undefined)
})
