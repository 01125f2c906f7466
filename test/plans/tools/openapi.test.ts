import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import type { JsonObject } from '#contracts/plan.ts'
import { OpenapiToolboxSpec } from '#contracts/plan-tools.ts'
import type { AppError } from '../../../server/errors.ts'
import { createOpenapiTools } from '../../../server/plans/tools/openapi.ts'
import { bodyOf, startHttp } from './http-server.ts'
import { closedFetch, openFetch } from './test-fetch.ts'
import { callTool } from './tool-call.ts'

const Order = {
  type: 'object',
  required: ['item', 'count'],
  properties: { id: { type: 'string', readOnly: true }, item: { type: 'string', description: 'What.' }, count: { type: 'integer', minimum: 1 } }
}
const json = (schema: unknown) => ({ content: { 'application/json': { schema } } })
const ok = (schema: unknown) => ({ responses: { 200: { description: 'ok', ...json(schema) } } })

/** A small shop, as its maker would describe it. */
const shop = {
  openapi: '3.0.3',
  info: { title: 'Shop', version: '1' },
  servers: [{ url: 'https://shop.invalid/{version}', variables: { version: { default: 'v1' } } }],
  paths: {
    '/orders': {
      get: {
        operationId: 'listOrders',
        summary: 'Lists orders',
        description: 'Newest first',
        parameters: [
          { name: 'state', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          { name: 'fields', in: 'query', explode: false, schema: { type: 'array', items: { type: 'string' } } },
          { name: 'filter', in: 'query', style: 'deepObject', schema: { type: 'object', properties: { since: { type: 'string' } } } },
          { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', required: true, schema: { type: 'string' } }
        ],
        ...ok({ type: 'array', items: { $ref: '#/components/schemas/Order' } })
      },
      post: {
        operationId: 'createOrder',
        summary: 'Makes an order',
        requestBody: { required: true, ...json({ $ref: '#/components/schemas/Order' }) },
        responses: { 201: { description: 'made', ...json({ $ref: '#/components/schemas/Order' }) } }
      }
    },
    '/orders/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      get: { operationId: 'getOrder', ...ok({ $ref: '#/components/schemas/Order' }) },
      put: {
        operationId: 'moveOrder',
        requestBody: json({ type: 'object', properties: { id: { type: 'string' } } }),
        responses: { 204: { description: 'moved' } }
      },
      delete: { responses: { 204: { description: 'gone' } } }
    },
    '/report': { get: { operationId: 'report', responses: { 200: { description: 'ok', content: { 'text/plain': {} } } } } },
    '/upload': { post: { operationId: 'upload', requestBody: { required: true, content: { 'multipart/form-data': {} } }, responses: {} } }
  },
  components: { schemas: { Order } }
}

const specOf = (spec: Record<string, unknown>) => OpenapiToolboxSpec.parse({ kind: 'openapi', name: 'shop', document: JSON.stringify(shop), ...spec })
const offer = (spec: Record<string, unknown> = {}, fetch = openFetch) => {
  const offered = createOpenapiTools(specOf(spec), { fetch })
  return { ...offered, tool: (name: string) => offered.tools.find(({ operation }) => operation === name) }
}

type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string }
type Answer = { status?: number; headers?: Record<string, string>; body?: string }

/** A server that answers everything so, and what it was asked. */
async function serve(t: TestContext, answer: Answer | ((seen: Seen) => Answer)) {
  const seen: Seen[] = []
  const { url } = await startHttp(t, async (request, response) => {
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: await bodyOf(request) }
    seen.push(one)
    const { status = 200, headers = { 'content-type': 'application/json' }, body = '' } = typeof answer === 'function' ? answer(one) : answer
    response.writeHead(status, headers).end(body)
  })
  return { serverUrl: url, seen }
}

test('each operation is a service with what its file says of it', () => {
  const { tools, skipped, notes, target, tool } = offer()
  assert.equal(target, 'https://shop.invalid/v1')
  assert.deepEqual(
    tools.map(({ name, approval }) => [name, approval]),
    [
      ['shop.list-orders', false],
      ['shop.create-order', true],
      ['shop.get-order', false],
      ['shop.move-order', true],
      ['shop.delete-orders-id', true],
      ['shop.report', false]
    ]
  )
  assert.equal(tool('listOrders')?.description, 'Lists orders. Newest first')
  assert.deepEqual(tool('listOrders')?.input, {
    type: 'object',
    properties: {
      state: { type: 'array', items: { type: 'string' } },
      fields: { type: 'array', items: { type: 'string' } },
      filter: { type: 'object', properties: { since: { type: 'string' } }, required: [] },
      'X-Trace': { type: 'string' }
    },
    required: []
  })
  assert.deepEqual(tool('createOrder')?.input, {
    type: 'object',
    properties: { item: { type: 'string', description: 'What.' }, count: { type: 'integer', minimum: 1 } },
    required: ['item', 'count']
  })
  assert.deepEqual(Object.keys(tool('createOrder')?.output.properties ?? {}), ['id', 'item', 'count'])
  assert.equal(tool('listOrders')?.output.properties?.['result']?.type, 'array')
  assert.deepEqual(skipped, [{ operation: 'upload', reason: 'its body must be multipart/form-data, and only JSON can be sent' }])
  assert.deepEqual(notes, [])
})

test('a YAML file is the same as a JSON file', () => {
  assert.deepEqual(
    offer({ document: stringify(shop) }).tools.map(({ run, isHealthy, ...tool }) => tool),
    offer().tools.map(({ run, isHealthy, ...tool }) => tool)
  )
})

test('an administrator chooses operations and which wait for a person', () => {
  assert.deepEqual(
    offer({ only: ['getOrder', 'DELETE /orders/{id}'], approval: 'never', approvals: { getOrder: true } }).tools.map(({ operation, approval }) => [
      operation,
      approval
    ]),
    [
      ['getOrder', true],
      ['DELETE /orders/{id}', false]
    ]
  )
})

test('query and headers are written as the file says', async (t) => {
  const { serverUrl, seen } = await serve(t, { body: '[]' })
  const input = { state: ['a b', 'c&d'], fields: ['x', 'y'], filter: { since: '2026' }, 'X-Trace': 'abc' }
  const output = await callTool(offer({ serverUrl }).tool('listOrders'), input)
  assert.deepEqual(output, { result: [] })
  assert.equal(seen[0]?.url, '/orders?state=a%20b&state=c%26d&fields=x,y&filter%5Bsince%5D=2026')
  assert.equal(seen[0]?.headers['x-trace'], 'abc')
  assert.match(String(seen[0]?.headers['idempotency-key']), /^key-e_/)
})

test('inputs of the same name are told apart by where they belong', async (t) => {
  const { serverUrl, seen } = await serve(t, { status: 204 })
  const move = offer({ serverUrl }).tool('moveOrder')
  assert.deepEqual(move?.input, { type: 'object', properties: { path_id: { type: 'string' }, body_id: { type: 'string' } }, required: ['path_id'] })
  assert.deepEqual(await callTool(move, { path_id: 'a/b ü', body_id: 'new' }), { status: 204 })
  assert.deepEqual(await callTool(move, { path_id: 'c' }), { status: 204 })
  assert.deepEqual(
    seen.map(({ method, url, body }) => [method, url, body]),
    [
      ['PUT', '/orders/a%2Fb%20%C3%BC', '{"id":"new"}'],
      ['PUT', '/orders/c', '']
    ]
  )
})

test('no value leads to another path, query or header than its own', async (t) => {
  const { serverUrl, seen } = await serve(t, { body: '{}' })
  const { tool } = offer({ serverUrl })
  for (const id of ['..', '.', ''])
    await assert.rejects(callTool(tool('getOrder'), { id }), { code: 'invalid_request', message: /id stands in a path/ })
  await callTool(tool('getOrder'), { id: '../admin?x=1#y' })
  assert.equal(seen[0]?.url, '/orders/..%2Fadmin%3Fx%3D1%23y')
  await assert.rejects(callTool(tool('listOrders'), { 'X-Trace': 'a\r\nX-Other: b' }), { code: 'invalid_request', message: /X-Trace/ })
  assert.equal(seen.length, 1)
})

test('the key of the administrator goes with every call, and is in no result and no error', async (t) => {
  const authentication = { name: 'X-Shop-Key', value: 'Token canary-"key"-1' }
  const echo = (status: number) => (one: Seen) => ({ status, body: JSON.stringify({ item: one.headers['x-shop-key'], count: 1 }) })
  const good = await serve(t, echo(200))
  const bad = await serve(t, echo(500))
  const output = await callTool(offer({ serverUrl: good.serverUrl, authentication }).tool('getOrder'), { id: '1' })
  assert.equal(good.seen[0]?.headers['x-shop-key'], authentication.value)
  assert.deepEqual(output, { item: '[hidden]', count: 1 })
  await assert.rejects(callTool(offer({ serverUrl: bad.serverUrl, authentication }).tool('getOrder'), { id: '1' }), (error: AppError) => {
    assert.match(error.message, /answered 500: .*\[hidden\]/)
    assert.doesNotMatch(error.message, /canary/)
    return true
  })
})

test('an answer that is no success fails with its status and the beginning of what it says', async (t) => {
  const { serverUrl } = await serve(t, { status: 409, headers: { 'content-type': 'text/plain' }, body: `sold out\n${'x'.repeat(100_000)}` })
  await assert.rejects(callTool(offer({ serverUrl }).tool('createOrder'), { item: 'a', count: 1 }), (error: AppError) => {
    assert.match(error.message, /^POST http:\/\/127\.0\.0\.1:\d+\/orders answered 409: sold out xxx.*… \(100009 characters\)$/)
    assert.ok(error.message.length < 700)
    return true
  })
})

test('a redirect is not followed', async (t) => {
  const other = await serve(t, { body: '{}' })
  const { serverUrl } = await serve(t, { status: 302, headers: { location: `${other.serverUrl}/x` } })
  await assert.rejects(callTool(offer({ serverUrl }).tool('getOrder'), { id: '1' }), {
    code: 'engine_failed',
    message: /redirects \(302\) to http.*not followed/
  })
  assert.equal(other.seen.length, 0)
})

test('an answer is taken for what it is, not for what it calls itself', async (t) => {
  const html = { 'content-type': 'text/html' }
  const lying = await serve(t, { body: '<h1>down for maintenance</h1>' })
  await assert.rejects(callTool(offer({ serverUrl: lying.serverUrl }).tool('getOrder'), { id: '1' }), {
    code: 'invalid_output',
    message: /application\/json, which is not JSON: <h1>down/
  })
  const modest = await serve(t, { headers: html, body: '{"item":"a"}' })
  assert.deepEqual(await callTool(offer({ serverUrl: modest.serverUrl }).tool('getOrder'), { id: '1' }), { item: 'a' })
  const list = await serve(t, { body: '[1]' })
  await assert.rejects(callTool(offer({ serverUrl: list.serverUrl }).tool('getOrder'), { id: '1' }), {
    message: /answered a list, and its description says an object/
  })
  const text = await serve(t, { headers: html, body: 'all good' })
  assert.deepEqual(await callTool(offer({ serverUrl: text.serverUrl }).tool('report'), {}), { result: 'all good' })
  const empty = await serve(t, { status: 200 })
  assert.deepEqual(await callTool(offer({ serverUrl: empty.serverUrl }).tool('getOrder'), { id: '1' }), {})
})

test('an answer over the limit is not read to its end', async (t) => {
  let written = 0
  const { url } = await startHttp(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const chunk = Buffer.alloc(1024 * 1024, ' ')
    const more = () => {
      while (!response.destroyed) {
        written++
        if (!response.write(chunk)) return void response.once('drain', more)
      }
    }
    more()
  })
  await assert.rejects(callTool(offer({ serverUrl: url }).tool('getOrder'), { id: '1' }), { code: 'payload_too_large' })
  assert.ok(written < 64, `${written} MiB were written`)
})

test('a server that hangs is left as soon as the task is stopped', async (t) => {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const { promise: left, resolve: leave } = Promise.withResolvers<void>()
  const { url } = await startHttp(t, (request) => {
    resolve()
    request.socket.once('close', () => leave())
  })
  const controller = new AbortController()
  const call = callTool(offer({ serverUrl: url }).tool('getOrder'), { id: '1' }, { signal: controller.signal })
  await asked
  controller.abort()
  await assert.rejects(call)
  await left
})

test('nothing is called that policy does not allow, and what cannot be reached says why', async (t) => {
  const { serverUrl, seen } = await serve(t, { body: '{}' })
  await assert.rejects(callTool(offer({ serverUrl }, closedFetch).tool('getOrder'), { id: '1' }), { code: 'policy_denied' })
  assert.equal(seen.length, 0)
  const { url, close } = await startHttp(t, () => {})
  close()
  await assert.rejects(callTool(offer({ serverUrl: url }).tool('getOrder'), { id: '1' }), { code: 'engine_failed', message: /ECONNREFUSED/ })
})

test('500 operations are 500 services with names of their own', () => {
  const paths = Object.fromEntries(
    Array.from({ length: 500 }, (_, number) => [`/${'long-'.repeat(20)}${number}`, { get: { ...ok({ $ref: '#/components/schemas/Order' }) } }])
  )
  const { tools } = offer({ document: JSON.stringify({ ...shop, paths }) })
  assert.equal(new Set(tools.map(({ name }) => name)).size, 500)
  for (const { name } of tools) assert.match(name, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
})

test('an operation that needs a recursive schema is named with the reason, and the others are offered', () => {
  const Tree = { type: 'object', required: ['children'], properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } } }
  const paths = {
    '/plant': { post: { operationId: 'plant', requestBody: { required: true, ...json({ $ref: '#/components/schemas/Tree' }) }, responses: {} } },
    '/tree': { get: { operationId: 'tree', ...ok({ $ref: '#/components/schemas/Tree' }) } },
    '/elsewhere': { get: { operationId: 'elsewhere', servers: [{ url: 'https://other.invalid' }], responses: {} } }
  }
  const { tools, skipped, notes } = offer({ document: JSON.stringify({ ...shop, paths, components: { schemas: { Tree } } }) })
  assert.deepEqual(
    tools.map(({ operation }) => operation),
    ['tree']
  )
  assert.deepEqual(tools[0]?.output, {
    type: 'object',
    properties: { result: { type: 'object', properties: {}, required: [] } },
    required: ['result']
  })
  assert.match(notes[0] ?? '', /^tree: answer\.children\[\]: .* contains itself/)
  assert.deepEqual(
    skipped.map(({ operation }) => operation),
    ['plant', 'elsewhere']
  )
})

for (const [name, document, problem] of [
  ['Swagger 2', '{"swagger":"2.0","paths":{}}', /OpenAPI 3\.0 or later, got version 2\.0/],
  ['no OpenAPI', '{"a":1}', /no openapi field/],
  ['no object', '- 1', /must be an object/],
  ['broken JSON', '{"a":', /cannot be read/],
  ['broken YAML', 'a: [', /cannot be read/],
  [
    'a YAML bomb',
    `a: &a [${'x,'.repeat(50)}]\n${'bcdefghi'.replace(/./g, (letter, at: number) => `${letter}: &${letter} [${`*${'abcdefghi'[at]},`.repeat(20)}]\n`)}`,
    /cannot be read/
  ],
  ['a circle in YAML', 'openapi: 3.0.0\npaths: &p\n  /x: *p', /cannot be read|no operation/],
  ['no operation', '{"openapi":"3.1.0","paths":{}}', /no operation/],
  ['an id twice', JSON.stringify({ ...shop, paths: { '/a': { get: { operationId: 'x' }, put: { operationId: 'x' } } } }), /the id x/],
  ['no server', JSON.stringify({ ...shop, servers: [{ url: '/v1' }] }), /give serverUrl/],
  ['a server that is no address of the web', JSON.stringify({ ...shop, servers: [{ url: 'file:///etc/passwd' }] }), /give serverUrl/]
] as const) {
  test(`a file that cannot be used is refused with the reason: ${name}`, () => {
    assert.throws(() => offer({ document }), { code: 'invalid_request', message: problem })
  })
}

test('what a plan must not set or cannot say is left out with a note, where the operation works without', () => {
  const header = (name: string, required = false) => ({ name, in: 'header', required, schema: { type: 'string' } })
  const paths = {
    '/a': {
      post: { operationId: 'a', parameters: [header('Host'), header('X-Key'), header('Content-Type')], requestBody: json(undefined), responses: {} }
    },
    '/b': { post: { operationId: 'b', requestBody: json({ type: 'file' }), responses: {} } },
    '/c': { post: { operationId: 'c', parameters: [{ name: 'session', in: 'cookie', required: true, schema: { type: 'string' } }], responses: {} } }
  }
  const authentication = { name: 'x-key', value: 'canary-1' }
  const { tools, notes, skipped } = offer({ document: JSON.stringify({ ...shop, paths }), authentication })
  assert.deepEqual(
    tools.map(({ input }) => Object.keys(input.properties ?? {})),
    [['body'], []]
  )
  assert.deepEqual(notes, [
    'a: header.Host is not for plans to set; it is left out',
    'a: body: its form is not described; any object is offered',
    'b: body: its type "file" is not known; it is left out'
  ])
  assert.deepEqual(skipped, [{ operation: 'c', reason: 'cookie.session cannot be sent' }])
})

test('a body that is a list, and a free object, are one input', async (t) => {
  const paths = {
    '/many': {
      post: { operationId: 'many', requestBody: { required: true, ...json({ type: 'array', items: { type: 'integer' } }) }, responses: { 200: {} } }
    },
    '/free': { post: { operationId: 'free', requestBody: json({ type: 'object', additionalProperties: true }), responses: { 200: {} } } }
  }
  const { serverUrl, seen } = await serve(t, {})
  const { tool } = offer({ serverUrl, document: JSON.stringify({ ...shop, paths }) })
  const inputs: [string, JsonObject][] = [
    ['many', { body: [1, 2] }],
    ['free', { body: { a: 'b' } }],
    ['free', {}]
  ]
  for (const [operation, input] of inputs) await callTool(tool(operation), input)
  assert.deepEqual(
    seen.map(({ body }) => body),
    ['[1,2]', '{"a":"b"}', '']
  )
})
