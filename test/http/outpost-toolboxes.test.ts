import assert from 'node:assert/strict'
import { request } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { endpoints } from '#contracts/api.ts'
import { markOwnerServer } from '../../server/http/plugins/owner-door.ts'
import { onEnd } from '../helpers/on-end.ts'
import { type Scripted, startScripted } from './scripted-services.ts'

const list = { operationId: 'list', summary: 'Lists orders', responses: { 200: { description: 'ok', content: { 'text/plain': {} } } } }
const upload = { operationId: 'upload', requestBody: { required: true, content: { 'image/png': {} } }, responses: {} }
const document = (paths: object) => JSON.stringify({ openapi: '3.1.0', info: { title: 'Shop', version: '1' }, paths })
const shop = {
  kind: 'openapi',
  name: 'shop',
  document: document({ '/orders': { get: list, post: upload } }),
  serverUrl: 'http://shop.invalid',
  authentication: { name: 'x-key', value: 'canary-of-the-shop' }
}
const program = {
  kind: 'mcp',
  name: 'team',
  only: ['addNumbers'],
  server: {
    transport: 'stdio',
    command: process.execPath,
    arguments: [join(import.meta.dirname, '../plans/tools/mcp-server.ts')],
    environment: { TOKEN: 'canary-of-the-program' }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
type Answer = { status: number; text: string; json: any }

function send(server: Scripted, key: string | undefined, method: string, path: string, body?: object, headers = {}): Promise<Answer> {
  const about = { ...(key && { authorization: `Bearer ${key}` }), ...(body && { 'content-type': 'application/json' }), ...headers }
  return new Promise((resolve, reject) => {
    const call = request(`${server.url}${path}`, { method, headers: about }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, text, json: JSON.parse(text) })
    })
    call.once('error', reject)
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function start(t: TestContext) {
  const server = await startScripted()
  onEnd(t, () => server.app.close())
  onEnd(t, () => server.toolboxes.close())
  const { keys, plans } = server.services
  const keyOf = (role: 'user' | 'administrator' | 'project', project?: string) =>
    keys.create({ name: role, role, lane: 'interactive', ...(project && { project }) })
  const { key, secret } = keyOf('administrator')
  return { server, keyOf, key, own: plans.projects.own.id, call: (...rest: [string, string, object?, object?]) => send(server, secret, ...rest) }
}

test('an OpenAPI file becomes services, and what cannot be offered is named with the reason', async (t) => {
  const { call, key, own, server } = await start(t)
  const { status, json, text } = await call('POST', '/outpost/toolboxes', shop)
  const { toolbox } = endpoints.addToolbox.reply.parse(json)
  assert.deepEqual(
    [status, toolbox.projectId, toolbox.target, toolbox.addedBy, toolbox.services.map(({ name, approval }) => [name, approval])],
    [201, own, 'http://shop.invalid', key.id, [['shop.list', false]]]
  )
  assert.match(toolbox.skipped[0]?.reason ?? '', /image\/png/)
  assert.doesNotMatch(text, /canary/)
  const services = await call('GET', '/outpost/services')
  assert.deepEqual(
    services.json.services.map(({ name, origin }: { name: string; origin: string }) => [name, origin]),
    [['shop.list', 'http']]
  )
  assert.ok(server.logged.some((line) => line.includes('"audit":true') && line.includes('add toolbox') && line.includes(key.id)))
  assert.ok(!server.logged.some((line) => line.includes('canary')))
})

test('a toolbox is listed, shown, replaced, refreshed and removed', async (t) => {
  const { call } = await start(t)
  const { id } = (await call('POST', '/outpost/toolboxes', shop)).json.toolbox
  const listed = endpoints.toolboxes.reply.parse((await call('GET', '/outpost/toolboxes')).json)
  const shown = endpoints.toolbox.reply.parse((await call('GET', `/outpost/toolboxes/${id}`)).json)
  assert.deepEqual(listed.toolboxes, [shown.toolbox])
  const replaced = await call('POST', `/outpost/toolboxes/${id}`, { ...shop, approval: 'always' })
  assert.deepEqual([replaced.status, replaced.json.toolbox.services[0].approval], [200, true])
  assert.equal((await call('POST', `/outpost/toolboxes/${id}/refresh`)).json.toolbox.approval, 'always')
  assert.deepEqual((await call('DELETE', `/outpost/toolboxes/${id}`)).json, { removed: true, id })
  assert.deepEqual((await call('GET', '/outpost/services')).json.services, [])
  assert.equal((await call('GET', `/outpost/toolboxes/${id}`)).status, 404)
})

test('what is wrong with a toolbox is said by field, and a name that is taken is a conflict', async (t) => {
  const { call } = await start(t)
  const wrong = await call('POST', '/outpost/toolboxes', { ...shop, name: 'My Shop' })
  assert.deepEqual([wrong.status, wrong.json.error.code, wrong.json.error.param], [400, 'invalid_request', 'name'])
  const unknown = await call('POST', '/outpost/toolboxes', { ...shop, onlly: ['list'] })
  assert.deepEqual([unknown.status, unknown.json.error.code], [400, 'invalid_request'])
  await call('POST', '/outpost/toolboxes', shop)
  assert.equal((await call('POST', '/outpost/toolboxes', shop)).json.error.code, 'conflict')
})

test('a toolbox belongs to one project, which administrators name', async (t) => {
  const { call, server } = await start(t)
  const project = server.services.plans.projects.create('shop')
  const { toolbox } = (await call('POST', `/outpost/toolboxes?project=${project.id}`, shop)).json
  assert.equal(toolbox.projectId, project.id)
  assert.deepEqual((await call('GET', '/outpost/toolboxes')).json.toolboxes, [])
  for (const [method, path] of [
    ['GET', ''],
    ['POST', '/refresh'],
    ['DELETE', '']
  ] as const) {
    assert.equal((await call(method, `/outpost/toolboxes/${toolbox.id}${path}`)).status, 404)
  }
})

test('only administrators see toolboxes or change them', async (t) => {
  const { server, keyOf, own } = await start(t)
  for (const key of [undefined, keyOf('user').secret, keyOf('project', own).secret]) {
    for (const [method, path, body] of [
      ['GET', ''],
      ['POST', '', shop],
      ['GET', '/t_1'],
      ['POST', '/t_1', shop],
      ['POST', '/t_1/refresh'],
      ['DELETE', '/t_1']
    ] as const) {
      assert.equal((await send(server, key, method, `/outpost/toolboxes${path}`, body)).json.error.code, 'forbidden', `${method} ${path}`)
    }
  }
})

test('a program is run for an administrator on this machine, and its secrets are not shown', async (t) => {
  const { call } = await start(t)
  const { status, json, text } = await call('POST', '/outpost/toolboxes', program)
  assert.deepEqual([status, json.toolbox?.services.map(({ name }: { name: string }) => name)], [201, ['team.add-numbers']], text)
  assert.doesNotMatch(text, /canary/)
})

test('a program is run for nobody who comes through a proxy or from another machine, and the answer says what to do', async (t) => {
  const { call, server, keyOf } = await start(t)
  const forwarded = await call('POST', '/outpost/toolboxes', program, { 'x-forwarded-for': '10.0.0.1' })
  assert.deepEqual([forwarded.status, forwarded.json.error.code], [403, 'forbidden'])
  assert.match(forwarded.json.error.message, /use outpost toolbox add there/)
  const far = await server.app.inject({
    method: 'POST',
    url: '/outpost/toolboxes',
    remoteAddress: '192.168.1.7',
    headers: { authorization: `Bearer ${keyOf('administrator').secret}` },
    payload: program
  })
  assert.equal(far.statusCode, 403)
  assert.deepEqual((await call('GET', '/outpost/toolboxes')).json.toolboxes, [])
})

test('a toolbox that is there already cannot be replaced by a program from elsewhere, either', async (t) => {
  const { call } = await start(t)
  const { id } = (await call('POST', '/outpost/toolboxes', program)).json.toolbox
  const other = { ...program, server: { ...program.server, arguments: ['-e', '0'] } }
  assert.equal((await call('POST', `/outpost/toolboxes/${id}`, other, { via: '1.1 proxy' })).status, 403)
  assert.equal((await call('POST', `/outpost/toolboxes/${id}`, { ...program, approval: 'always' })).status, 200)
})

test('the owner adds a program through the owner’s own door', async (t) => {
  const { server } = await start(t)
  markOwnerServer(server.app.server)
  const { status, json } = await send(server, undefined, 'POST', '/outpost/toolboxes', program)
  assert.deepEqual([status, json.toolbox?.addedBy], [201, 'owner'])
})

test('a program that is no MCP server is an error that says so, and nothing is left of it', async (t) => {
  const { call } = await start(t)
  const broken = { ...program, server: { transport: 'stdio', command: '/nonexistent/program' } }
  const { json } = await call('POST', '/outpost/toolboxes', broken)
  assert.deepEqual([json.error.code, json.error.message], ['engine_failed', '/nonexistent/program cannot be started: ENOENT'])
  assert.deepEqual((await call('GET', '/outpost/toolboxes')).json.toolboxes, [])
})
