import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints } from '#contracts/api.ts'
import { answer, dataOf, end, hello, open, start, startScripted, text } from './scripted-services.ts'

const chat = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/outpost/chat`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

test('our own chat streams every event with its number, name and data', async () => {
  await using server = await startScripted((job) => job.emit({ type: 'job-queued', position: 1, etaMs: null }, ...answer))
  const response = await chat(server.url, { ...hello, generation: { temperature: 0 } })
  assert.equal(response.headers.get('x-outpost-job-id'), 'job-1')
  const body = await response.text()
  assert.match(
    body,
    /^event: job-queued\ndata: {"type":"job-queued","position":1,"etaMs":null,"jobId":"job-1","seq":-1}\n\nid: 0\nevent: generation-start\n/
  )
  assert.deepEqual(
    dataOf(body).map((event) => (event as { type: string; seq: number }).type),
    ['job-queued', ...answer.map(({ type }) => type)]
  )
  assert.ok(!body.includes('[DONE]'))
  const { request, detached, lane } = server.jobs[0]?.submission ?? assert.fail()
  assert.equal(detached, false)
  assert.equal(lane, 'normal')
  assert.ok('generation' in request && request.generation.temperature === 0 && !('detached' in request))
})

test('a detached job is followed again after the last event that was seen', async () => {
  await using server = await startScripted()
  await (await chat(server.url, { ...hello, detached: true })).text()
  assert.equal(server.jobs[0]?.submission.detached, true)
  const rest = await fetch(`${server.url}/outpost/jobs/job-1/events`, { headers: { 'last-event-id': '2' } })
  assert.equal(rest.status, 200)
  assert.deepEqual(
    dataOf(await rest.text()).map((event) => (event as { seq: number }).seq),
    [3, 4, 5]
  )
  for (const seen of ['5', '99']) {
    assert.equal((await fetch(`${server.url}/outpost/jobs/job-1/events`, { headers: { 'last-event-id': seen } })).status, 204)
  }
  const all = await (await fetch(`${server.url}/outpost/jobs/job-1/events`)).text()
  assert.equal(dataOf(all).length, 6)
  assert.equal((await fetch(`${server.url}/outpost/jobs/job-9/events`)).status, 404)
  assert.equal((await fetch(`${server.url}/outpost/jobs/job-1/events`, { headers: { 'last-event-id': 'x' } })).status, 400)
})

test('only its own client and administrators may follow or cancel a job', async () => {
  await using server = await startScripted((job) => job.emit(start, open(), text('a')))
  const key = (role: 'user' | 'administrator') => ({ 'x-api-key': server.services.keys.create({ name: role, role, lane: 'normal' }).secret })
  const [mine, other, administrator] = [key('user'), key('user'), key('administrator')]
  const stream = await chat(server.url, { ...hello, detached: true }, mine)
  const { jobId, submission } = server.jobs[0] ?? assert.fail()
  server.queues.push({
    model: 'small',
    waiting: 0,
    running: 1,
    slots: 4,
    lanes: { interactive: 0, planning: 0, normal: 1, batch: 0 },
    jobs: [{ jobId, clientId: submission.client.id, kind: 'chat', lane: 'normal', state: 'running', position: null, etaMs: null, submittedAt: 1 }]
  })
  const cancel = async (headers: Record<string, string>) => (await fetch(`${server.url}/outpost/jobs/${jobId}`, { method: 'DELETE', headers })).status
  const seen = async (headers: Record<string, string>) => {
    const reply = endpoints.queue.reply.parse(await (await fetch(`${server.url}/outpost/queue`, { headers })).json())
    return [reply.queues[0]?.running, reply.queues[0]?.jobs.length]
  }
  assert.equal((await fetch(`${server.url}/outpost/jobs/${jobId}/events`, { headers: other })).status, 403)
  assert.equal(await cancel(other), 403)
  assert.equal(await cancel({}), 403)
  assert.deepEqual(server.cancelled, [])
  assert.deepEqual(
    [await seen(other), await seen(mine), await seen(administrator)],
    [
      [1, 0],
      [1, 1],
      [1, 1]
    ]
  )
  assert.equal(await cancel(mine), 200)
  assert.equal(await cancel(administrator), 200)
  assert.deepEqual(server.cancelled, [jobId, jobId])
  assert.equal((await fetch(`${server.url}/outpost/jobs/nothing`, { method: 'DELETE', headers: mine })).status, 404)
  await stream.body?.cancel()
})

test('a job run again before its first token shows its client one beginning', async () => {
  await using server = await startScripted((job) => {
    job.emit(start, open())
    job.emit(...answer)
  })
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...hello, stream: true })
  })
  const roles = dataOf(await response.text()).filter((chunk) => JSON.stringify(chunk).includes('"role"'))
  assert.equal(roles.length, 1)
})

test('an error ends our own stream as its last event, as the job sent it', async () => {
  await using server = await startScripted((job) =>
    job.emit(start, open(), text('a'), { type: 'error', code: 'worker_lost', message: 'gone', retryable: true })
  )
  const last = dataOf(await (await chat(server.url, hello)).text()).at(-1)
  assert.deepEqual(last, { type: 'error', code: 'worker_lost', message: 'gone', retryable: true, jobId: 'job-1', seq: 3 })
})

test('our own fields are checked and named as they are written', async () => {
  await using server = await startScripted()
  const response = await chat(server.url, { ...hello, generation: { temperature: 9 } })
  const { error } = (await response.json()) as { error: { param: string; message: string } }
  assert.equal(response.status, 400)
  assert.equal(error.param, 'generation.temperature')
  assert.match(error.message, /got 9$/)
  assert.equal((await chat(server.url, { model: 'small' })).status, 400)
})

test('keys are made, listed, rotated and revoked', async () => {
  await using server = await startScripted()
  const { secret } = server.services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { 'x-api-key': secret, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, body: await response.json() }
  }
  const made = await call('POST', '/outpost/keys', { name: 'laptop', lane: 'batch' })
  const fresh = endpoints.createKey.reply.parse(made.body)
  assert.equal(made.status, 201)
  assert.deepEqual([fresh.key.role, fresh.key.lane], ['user', 'batch'])
  assert.equal(endpoints.keys.reply.parse((await call('GET', '/outpost/keys')).body).keys.length, 2)
  const rotated = endpoints.rotateKey.reply.parse((await call('POST', `/outpost/keys/${fresh.key.id}/rotate`)).body)
  assert.notEqual(rotated.secret, fresh.secret)
  assert.notEqual(endpoints.revokeKey.reply.parse((await call('POST', `/outpost/keys/${fresh.key.id}/revoke`)).body).key.revokedAt, null)
  assert.equal((await call('POST', `/outpost/keys/${fresh.key.id}/rotate`)).status, 409)
  assert.equal((await call('POST', '/outpost/keys/none/revoke')).status, 404)
})

test('models are listed and ordered about', async () => {
  await using server = await startScripted()
  const { secret } = server.services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  const order = async (id: string, verb: string) => {
    const response = await fetch(`${server.url}/outpost/models/${id}/${verb}`, { method: 'POST', headers: { 'x-api-key': secret } })
    return [response.status, ((await response.json()) as { model?: string }).model]
  }
  assert.equal(endpoints.models.reply.parse(await (await fetch(`${server.url}/outpost/models`)).json()).models.length, 3)
  assert.deepEqual(await order('small-latest', 'load'), [202, 'small'])
  assert.deepEqual(await order('far', 'pull'), [202, 'far'])
  assert.deepEqual(await order('small', 'unload'), [202, 'small'])
  assert.deepEqual((await order('far', 'load'))[0], 503)
  assert.deepEqual((await order('nothing', 'pull'))[0], 404)
  assert.deepEqual(server.orders, ['load small', 'pull far', 'unload small', 'load far'])
})

test('usage is summed or listed', async () => {
  await using server = await startScripted()
  const { secret } = server.services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  server.services.usage.book({
    jobId: 'job-1',
    requestId: 'r',
    kind: 'chat',
    clientId: 'local',
    model: 'small',
    lane: 'normal',
    submittedAt: 5,
    usage: end.usage,
    queueMs: 1,
    ttftMs: 2,
    totalMs: 3,
    finishReason: 'stop',
    errorCode: null
  })
  const get = async (query: string) => {
    const response = await fetch(`${server.url}/outpost/usage${query}`, { headers: { 'x-api-key': secret } })
    return { status: response.status, body: await response.json() }
  }
  assert.equal(endpoints.usage.reply.parse((await get('')).body).groups[0]?.group, 'small')
  assert.equal(endpoints.usage.reply.parse((await get('?by=request&limit=1')).body).rows[0]?.jobId, 'job-1')
  assert.equal(endpoints.usage.reply.parse((await get('?by=key&from=6')).body).groups.length, 0)
  for (const query of ['?by=moon', '?limit=0', '?limit=x', '?from=-1', '?from=']) assert.equal((await get(query)).status, 400, query)
})

test('status says who is asking and whether it can serve', async () => {
  await using server = await startScripted()
  const status = endpoints.status.reply.parse(await (await fetch(`${server.url}/outpost/status`)).json())
  assert.equal(status.ready, true)
  assert.equal(status.client.role, 'local')
})

test('whether a model fits is told to everyone, for the window, slots and cache that are asked about', async () => {
  await using server = await startScripted()
  const get = async (path: string) => {
    const response = await fetch(`${server.url}/outpost/models/${path}`)
    return { status: response.status, body: (await response.json()) as { error?: { message: string; code: string } } }
  }
  const { status, body } = await get('far-latest/fit?context=2048&slots=2&cache=q8_0')
  assert.equal(status, 200)
  const fit = endpoints.fitModel.reply.parse(body)
  assert.deepEqual([fit.model, fit.verdict, fit.contextWindow, fit.slots, fit.cacheType, fit.isEstimate], ['far', 'fits', 2048, 2, 'q8_0', true])
  assert.deepEqual(server.orders, ['fit far {"contextWindow":2048,"slots":2,"cacheType":"q8_0"}'])
  for (const query of ['context=0', 'context=x', 'slots=257', 'cache=q4_0']) assert.equal((await get(`far/fit?${query}`)).status, 400, query)
  assert.equal((await get('nothing/fit')).status, 404)
  const description = await get('far/description')
  assert.deepEqual([description.status, description.body.error?.code], [503, 'model_not_ready'])
})

test('weights are looked after by administrators, and each order is a line of the log that says who and what', async () => {
  await using server = await startScripted()
  const { key, secret } = server.services.keys.create({ name: 'root', role: 'administrator', lane: 'interactive' })
  const order = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { 'x-api-key': secret, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, body: await response.json() }
  }
  assert.deepEqual((await order('DELETE', '/outpost/models/small-latest')).body, { model: 'small', freed: 7, kept: 0 })
  assert.deepEqual((await order('POST', '/outpost/models/small/pin')).body, { model: 'small', pinned: true })
  assert.deepEqual((await order('POST', '/outpost/models/small/unpin')).body, { model: 'small', pinned: false })
  assert.equal((await order('POST', '/outpost/models/small/verify')).status, 202)
  assert.equal((await order('POST', '/outpost/store/verify')).status, 202)
  assert.deepEqual((await order('GET', '/outpost/store/verification')).body, { running: null, results: [] })
  assert.deepEqual(await order('POST', '/outpost/adoptions', { path: '/x.gguf', name: 'mine' }), { status: 201, body: { model: 'mine' } })
  assert.equal((await order('POST', '/outpost/store/gc', { dryRun: true })).status, 200)
  assert.equal((await order('POST', '/outpost/store/gc', {})).status, 200)
  const policy = {
    models: { allow: [], deny: ['x*'] },
    licences: { allow: [], deny: [] },
    sources: { allow: [], deny: [] },
    signers: { allow: [], deny: [] }
  }
  assert.deepEqual((await order('POST', '/outpost/policy', { models: { deny: ['x*'] } })).body, policy)
  assert.deepEqual((await order('GET', '/outpost/policy')).body, policy)
  assert.equal((await order('DELETE', '/outpost/models/nothing')).status, 404)
  for (const wrong of [{ olderThanDays: -1 }, { olderThanDays: 'all' }]) assert.equal((await order('POST', '/outpost/store/gc', wrong)).status, 400)
  assert.equal((await order('POST', '/outpost/adoptions', {})).status, 400)
  assert.deepEqual(server.orders, [
    'remove small',
    `pin small by ${key.id}`,
    `unpin small by ${key.id}`,
    'verify small',
    'verify all',
    'adopt /x.gguf mine',
    'gc 7 true',
    'gc 7 false'
  ])
  const audited = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ audit }) => audit === true)
  assert.ok(audited.every(({ clientId, clientName, role }) => clientId === key.id && clientName === 'root' && role === 'administrator'))
  assert.deepEqual(
    audited.map(({ action }) => action),
    ['remove model', 'pin model', 'unpin model', 'verify model', 'verify store', 'adopt model', 'collect garbage', 'set policy']
  )
})

test('a chat that cannot be meant is refused by its field: calls without tools, two tools of one name; and so is a key name nobody could read', async () => {
  await using server = await startScripted()
  const tool = { name: 'clock', parameters: { type: 'object', properties: {} } }
  const refusalOf = async (changes: object) => {
    const { error } = (await (await chat(server.url, { ...hello, ...changes })).json()) as { error: { code: string; param: string } }
    return [error.code, error.param]
  }
  assert.deepEqual(await refusalOf({ toolChoice: { type: 'required' } }), ['invalid_request', 'toolChoice'])
  assert.deepEqual(await refusalOf({ tools: [tool, tool] }), ['invalid_request', 'tools'])
  assert.throws(() => endpoints.createKey.body.parse({ name: 'e\u0000' }), /control characters/)
})
