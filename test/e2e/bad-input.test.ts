import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createRandom } from '../helpers/random.ts'
import { startTestServer } from '../helpers/server.ts'

const server = await startTestServer({ after }, { env: { OUTPOST_MAX_BODY: '1000000' } })
const chatPath = '/v1/chat/completions'
const hello = { model: 'fake', max_tokens: 4, messages: [{ role: 'user', content: 'hello' }] }

async function post(body: string | Uint8Array<ArrayBuffer>, path = chatPath): Promise<{ status: number; code: string | undefined; text: string }> {
  const response = await fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const text = await response.text()
  const error = response.ok ? undefined : (JSON.parse(text) as { error: { code: string; message: string } }).error
  assert.ok(error === undefined || error.message.length > 10, text)
  return { status: response.status, code: error?.code, text }
}

const bodies: [title: string, body: string | Uint8Array<ArrayBuffer>, status: number, code: string][] = [
  ['text that is no JSON', '{"model": "fake", "messages": [', 400, 'invalid_json'],
  ['NaN', '{"model":"fake","messages":[{"role":"user","content":"x"}],"temperature":NaN}', 400, 'invalid_json'],
  ['a number beyond all numbers', '{"model":"fake","messages":[{"role":"user","content":"x"}],"temperature":1e999}', 400, 'invalid_request'],
  ['invalid UTF-8', Uint8Array.from([...Buffer.from('{"model":"fake","messages":"'), 0xc3, 0x28, ...Buffer.from('"}')]), 400, 'invalid_json'],
  ['deep nesting', `{"model":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, 'invalid_json'],
  ['a body over the limit', JSON.stringify({ ...hello, padding: 'x'.repeat(1_000_000) }), 413, 'payload_too_large'],
  ['wrong types', JSON.stringify({ ...hello, messages: { role: 'user' } }), 400, 'invalid_request'],
  ['n: 1000', JSON.stringify({ ...hello, n: 1000 }), 400, 'invalid_request'],
  ['a negative temperature', JSON.stringify({ ...hello, temperature: -0.5 }), 400, 'invalid_request'],
  ['negative max_tokens', JSON.stringify({ ...hello, max_tokens: -1 }), 400, 'invalid_request'],
  ['no messages', JSON.stringify({ ...hello, messages: [] }), 400, 'invalid_request'],
  ['10,000 stop strings', JSON.stringify({ ...hello, stop: Array.from({ length: 10_000 }, (_, i) => `stop ${i}`) }), 400, 'invalid_request'],
  ['an unknown model', JSON.stringify({ ...hello, model: 'fakes' }), 404, 'model_not_found']
]
for (const [title, body, status, code] of bodies) {
  test(`${title} is refused with ${code}, and the server goes on`, async () => {
    const reply = await post(body)
    assert.deepEqual([reply.status, reply.code], [status, code], reply.text)
    assert.equal((await post(JSON.stringify(hello))).status, 200)
  })
}

test('unknown fields are passed over', async () => {
  assert.equal((await post(JSON.stringify({ ...hello, from_the_future: { deep: [1, null] }, user: 'someone' }))).status, 200)
})

type Operation = { requestBody?: unknown; responses?: Record<string, unknown>; parameters?: { name: string; in: string }[] }
type OpenApi = { openapi: string; info: { title: string; version: string }; paths: Record<string, Record<string, Operation>> }

async function openApi(): Promise<OpenApi> {
  return (await (await fetch(`${server.url}/openapi.json`)).json()) as OpenApi
}

test('/openapi.json is a whole OpenAPI 3.1 document: answers for every operation, every reference resolved, every parameter said', async () => {
  const document = await openApi()
  assert.match(document.openapi, /^3\.1\./)
  assert.ok(document.info.title !== '' && document.info.version !== '')
  for (const path of [
    chatPath,
    '/v1/completions',
    '/v1/embeddings',
    '/v1/models',
    '/v1/models/{id}',
    '/outpost/chat',
    '/outpost/status',
    '/readyz'
  ]) {
    assert.ok(path in document.paths, path)
  }
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method} ${path}`
      const statuses = Object.keys(operation.responses ?? {})
      assert.ok(
        statuses.some((status) => /^2\d\d$/.test(status)),
        `${name} says what success is`
      )
      assert.ok(
        statuses.every((status) => /^([1-5]\d\d|default)$/.test(status)),
        name
      )
      const said = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name)
      assert.deepEqual(said.sort(), [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter).sort(), name)
    }
  }
  for (const reference of referencesIn(document)) {
    const target = reference
      .slice(2)
      .split('/')
      .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document)
    assert.ok(reference.startsWith('#/') && target !== undefined, `${reference} is there`)
  }
})

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) => (key === '$ref' && typeof part === 'string' ? [part] : referencesIn(part)))
}

test('two hundred broken requests to every POST of the document: none is a server error', async () => {
  const document = await openApi()
  const paths = Object.entries(document.paths).flatMap(([path, operations]) => ('post' in operations ? [path.replace(/\{\w+\}/g, 'x')] : []))
  assert.ok(paths.length >= 4)
  const random = createRandom(20_261)
  const failed: string[] = []
  let refused = 0
  for (let i = 0; i < 200; i++) {
    const path = paths[i % paths.length]!
    const body = breakText(JSON.stringify(mutate(seedOf(path), random)), random)
    const response = await fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const text = await response.text()
    if (response.status >= 400) refused++
    // 503 is declared, and about the server's state.
    if (response.status >= 500 && response.status !== 503) failed.push(`${response.status} ${path} ${body} → ${text}`)
  }
  assert.deepEqual(failed, [])
  assert.ok(refused > 50, `${refused} were refused`)
  assert.equal((await post(JSON.stringify(hello))).status, 200)
})

function seedOf(path: string): unknown {
  if (path.endsWith('/embeddings')) return { model: 'fake-embed', input: ['one', 'two'], dimensions: 8, encoding_format: 'base64' }
  if (path.endsWith('/v1/completions')) return { model: 'fake', prompt: ['one'], max_tokens: 3, n: 2, stop: ['x'], logprobs: 1 }
  if (path.endsWith('/outpost/chat')) return { model: 'fake', messages: hello.messages, generation: { maxTokens: 3, stop: ['a'] }, lane: 'batch' }
  const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } } }
  const format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'array', items: {} } } } } }
  return { ...hello, stream: false, tools: [tool], tool_choice: 'auto', response_format: format, logit_bias: { '1': 2 }, seed: 1, top_p: 0.5 }
}

const oddities = [null, true, -1, 0, 1e308, 2 ** 53, '', 'x', '\ud800', '\u0000', [], {}, [[]], { $ref: '#' }, 'a'.repeat(3000), ['x', 1]]

/** The value with some of its parts replaced, taken away or put elsewhere. */
function mutate(value: unknown, random: () => number): unknown {
  if (random() < 0.08) return oddities[Math.floor(random() * oddities.length)]
  if (Array.isArray(value))
    return value.flatMap((part) => (random() < 0.05 ? [] : random() < 0.05 ? [part, mutate(part, random)] : [mutate(part, random)]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([key, part]) => (random() < 0.04 ? [] : [[key, mutate(part, random)]])))
}

/** Now and then the text itself is broken. */
function breakText(text: string, random: () => number): string {
  if (random() > 0.15) return text
  const at = Math.floor(random() * text.length)
  return random() < 0.5 ? text.slice(0, at) : text.slice(0, at) + String.fromCharCode(Math.floor(random() * 300)) + text.slice(at + 1)
}
