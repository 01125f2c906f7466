import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { hello, type Scripted, startScripted } from './scripted-services.ts'

let server: Scripted
before(async () => {
  server = await startScripted(undefined, { OUTPOST_MAX_BODY: '2000000' })
})
after(() => server[Symbol.asyncDispose]())

type Problem = { status: number; code: string; param: string | null; message: string }

async function send(body: string | Buffer, options: { path?: string; type?: string } = {}): Promise<Problem> {
  const response = await server.app.inject({
    method: 'POST',
    url: options.path ?? '/v1/chat/completions',
    headers: { 'content-type': options.type ?? 'application/json' },
    payload: body
  })
  const { error } = response.json<{ error: Omit<Problem, 'status'> }>()
  return { status: response.statusCode, code: error.code, param: error.param, message: error.message }
}
const chat = (changes: object) => send(JSON.stringify({ ...hello, ...changes }))

test('a body that is not JSON is refused without repeating it', async () => {
  for (const body of ['{', '{"model": canary-prompt}', 'NaN', '', '{"temperature": NaN}', '\u{FEFF}', "{'a':1}"]) {
    const problem = await send(body)
    assert.equal(problem.status, 400, body)
    assert.ok(problem.code === 'invalid_json' || body === '', body)
    assert.ok(!problem.message.includes('canary'))
  }
})

test('a byte order mark before the JSON is passed over, and a seed of 64 bits is folded to ours, the same one always the same', async () => {
  const seedOf = async (seed: number) => {
    const payload = Buffer.from(`\u{FEFF}${JSON.stringify({ ...hello, seed })}`)
    const response = await server.app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      payload
    })
    assert.equal(response.statusCode, 200)
    const request = server.jobs.at(-1)?.submission.request
    return request !== undefined && 'generation' in request ? request.generation.seed : undefined
  }
  assert.deepEqual([await seedOf(-7), await seedOf(4294967295)], [-7, 4294967295])
  const folded = await seedOf(2 ** 62 + 2 ** 12)
  assert.ok(folded !== undefined && folded >= 0 && folded <= 4294967295 && folded === (await seedOf(2 ** 62 + 2 ** 12)))
})

test('a body that is not an object is refused', async () => {
  for (const body of ['null', '[]', '"x"', '1', 'true']) {
    const problem = await send(body)
    assert.deepEqual([problem.status, problem.code], [400, 'invalid_request'], body)
    assert.match(problem.message, /^the body (must be an object|is required)/)
  }
})

test('invalid UTF-8 is refused, also where JSON would pass it', async () => {
  const body = Buffer.concat([
    Buffer.from('{"model":"small","messages":[{"role":"user","content":"'),
    Buffer.from([0xc3, 0x28, 0xff]),
    Buffer.from('"}]}')
  ])
  const problem = await send(body)
  assert.deepEqual([problem.status, problem.code], [400, 'invalid_json'])
  assert.match(problem.message, /UTF-8/)
})

test('nesting is taken to 64 levels and refused beyond, in small and in large bodies', async () => {
  const nested = (levels: number, padding = '') => `${'['.repeat(levels)}"${padding}"${']'.repeat(levels)}`
  const field = (value: string) => `{"model":"small","messages":[{"role":"user","content":"hi"}],"unknown":${value}}`
  assert.equal(
    (
      await server.app.inject({
        method: 'POST',
        url: '/v1/chat/completions',
        headers: { 'content-type': 'application/json' },
        payload: field(nested(63))
      })
    ).statusCode,
    200
  )
  for (const body of [field(nested(64)), nested(500_000), field(nested(64, 'x'.repeat(300_000)))]) {
    const problem = await send(body)
    assert.deepEqual([problem.status, problem.code], [400, 'invalid_json'])
    assert.match(problem.message, /64 levels/)
  }
})

test('keys that reach for a prototype are refused, also when escaped', async () => {
  for (const body of ['{"__proto__":{"admin":true}}', '{"a":[{"\\u005f_proto__":1}]}', '{"constructor":{"prototype":{}}}']) {
    assert.deepEqual((await send(body)).code, 'invalid_json', body)
  }
})

test('a body over the limit is refused naming both sizes', async () => {
  const problem = await chat({ padding: 'x'.repeat(2_000_000) })
  assert.deepEqual([problem.status, problem.code], [413, 'payload_too_large'])
  assert.match(problem.message, /at most 2000000 bytes, got 20\d{5}/)
})

test('a chunked body over the limit is refused over a real socket', async () => {
  async function* endless() {
    for (let i = 0; i < 40; i++) yield Buffer.alloc(100_000, 0x20)
  }
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: ReadableStream.from(endless()),
    duplex: 'half'
  } as RequestInit)
  assert.equal(response.status, 413)
})

test('another content type is refused', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'nonsense']) {
    const problem = await send(JSON.stringify(hello), { type })
    assert.deepEqual([problem.status, problem.code], [415, 'unsupported_media_type'], type)
    assert.match(problem.message, /application\/json/)
  }
})

test('an unknown model is refused with near names', async () => {
  const problem = await chat({ model: 'smal' })
  assert.deepEqual([problem.status, problem.code, problem.param], [404, 'model_not_found', 'model'])
  assert.match(problem.message, /near names: small/)
})

test('a model of the wrong kind is refused with what to do', async () => {
  assert.equal((await chat({ model: 'embedder' })).code, 'unsupported_feature')
  assert.equal((await send(JSON.stringify({ model: 'small', input: 'x' }), { path: '/v1/embeddings' })).code, 'unsupported_feature')
})

test('unknown fields and nulls are passed over', async () => {
  const payload = {
    ...hello,
    brand_new: { deep: [1] },
    temperature: null,
    stop: null,
    tools: null,
    response_format: null,
    user: 7,
    metadata: 'x',
    store: true
  }
  const response = await server.app.inject({ method: 'POST', url: '/v1/chat/completions', payload })
  assert.equal(response.statusCode, 200)
})

const rows: [title: string, changes: object, param: string, message: RegExp][] = [
  ['n: 1000', { n: 1000 }, 'n', /^n must be a whole number from 1 to 16, got 1000$/],
  ['n: 0', { n: 0 }, 'n', /from 1 to 16, got 0$/],
  ['n: 1.5', { n: 1.5 }, 'n', /whole number/],
  ['a negative temperature', { temperature: -1 }, 'temperature', /^temperature must be a number from 0 to 2, got -1$/],
  ['a temperature in words', { temperature: 'hot' }, 'temperature', /got "hot"$/],
  ['top_p 0', { top_p: 0 }, 'top_p', /above 0, at most 1, got 0$/],
  ['max_tokens 0', { max_tokens: 0 }, 'max_tokens', /got 0$/],
  ['max_completion_tokens -1', { max_completion_tokens: -1 }, 'max_completion_tokens', /got -1$/],
  ['10,000 stop strings', { stop: new Array(10_000).fill('x') }, 'stop', /^stop must have at most 16 strings, got an array of 10000$/],
  ['an empty stop string', { stop: ['a', ''] }, 'stop.1', /^stop\.1 must not be empty/],
  ['a very long stop string', { stop: 'x'.repeat(300) }, 'stop', /at most 256 characters, got a string of 300 characters$/],
  ['no messages', { messages: [] }, 'messages', /^messages must have at least 1 message/],
  ['messages that are no list', { messages: 'hi' }, 'messages', /^messages must be an array, got "hi"$/],
  ['missing messages', { messages: undefined }, 'messages', /^messages is required$/],
  ['missing model', { model: undefined }, 'model', /^model is required$/],
  ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role', /must be one of .*"tool", got "robot"$/],
  [
    'content that is a number',
    { messages: [{ role: 'user', content: 3 }] },
    'messages.0.content',
    /must be a string or an array of content parts, got 3$/
  ],
  ['missing content', { messages: [{ role: 'user' }] }, 'messages.0.content', /^messages\.0\.content is required$/],
  ['an unknown part', { messages: [{ role: 'user', content: [{ type: 'video' }] }] }, 'messages.0.content.0.type', /got "video"$/],
  ['a part without text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages.0.content.0.text', /is required$/],
  ['a tool message without its call', { messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.tool_call_id', /is required$/],
  ['a bad tool name', { tools: [{ type: 'function', function: { name: 'a b' } }] }, 'tools.0.function.name', /1–64 characters/],
  ['the same tool twice', { tools: ['a', 'a'].map((name) => ({ type: 'function', function: { name } })) }, 'tools.1.function.name', /again$/],
  ['a choice of no tool', { tool_choice: { type: 'function', function: { name: 'x' } } }, 'tool_choice.function.name', /must be one of the tools/],
  ['required without tools', { tool_choice: 'required' }, 'tool_choice', /without tools/],
  ['an unknown tool choice', { tool_choice: 'maybe' }, 'tool_choice', /"none", "auto", "required"/],
  ['a schema that is none', { response_format: { type: 'json_schema', json_schema: {} } }, 'response_format.json_schema.schema', /is required$/],
  ['an unknown format', { response_format: { type: 'yaml' } }, 'response_format.type', /got "yaml"$/],
  ['a bias of no token', { logit_bias: { word: 1 } }, 'logit_bias.word', /must have token ids as keys/],
  ['a bias out of range', { logit_bias: { 5: 101 } }, 'logit_bias.5', /-100 to 100, got 101$/],
  ['top_logprobs without logprobs', { top_logprobs: 2 }, 'top_logprobs', /must come with logprobs/],
  ['21 top_logprobs', { logprobs: true, top_logprobs: 21 }, 'top_logprobs', /from 0 to 20, got 21$/],
  ['an unknown tier', { service_tier: 'gold' }, 'service_tier', /got "gold"$/],
  ['stream in words', { stream: 'yes' }, 'stream', /must be a boolean, got "yes"$/]
]
for (const [title, changes, param, message] of rows) {
  test(`${title} is refused naming the field, what it may be and what was got`, async () => {
    const problem = await chat(changes)
    assert.equal(problem.status, 400)
    assert.equal(problem.code, 'invalid_request')
    assert.equal(problem.param, param)
    assert.match(problem.message, message)
  })
}

test('numbers too large for JSON are refused', async () => {
  const problem = await send('{"model":"small","messages":[{"role":"user","content":"x"}],"temperature":1e999}')
  assert.deepEqual([problem.code, problem.param], ['invalid_request', 'temperature'])
})

test('what would change the answer if ignored is refused by name', async () => {
  const image = (url: string) => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] })
  for (const [changes, param] of [
    [{ functions: [] }, 'functions'],
    [{ function_call: 'auto' }, 'function_call'],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [image('https://example.org/cat.png'), 'messages.0.content.0.image_url.url'],
    [image('file:///etc/passwd'), 'messages.0.content.0.image_url.url']
  ] as const) {
    const problem = await chat(changes)
    assert.deepEqual([problem.status, problem.code, problem.param], [400, 'unsupported_feature', param])
  }
  assert.equal((await chat(image('data:image/png;base64,not base64'))).code, 'invalid_request')
})

test('completions refuse token arrays, suffix and best_of by name', async () => {
  for (const [changes, param] of [
    [{ prompt: [1, 2] }, 'prompt.0'],
    [{ prompt: [[1, 2]] }, 'prompt.0'],
    [{ prompt: 'x', suffix: 'y' }, 'suffix'],
    [{ prompt: 'x', best_of: 3 }, 'best_of']
  ] as const) {
    const problem = await send(JSON.stringify({ model: 'small', ...changes }), { path: '/v1/completions' })
    assert.deepEqual([problem.status, problem.code, problem.param], [400, 'unsupported_feature', param])
  }
})

test('embeddings refuse empty texts, tokens, too many texts and too many dimensions', async () => {
  for (const [changes, code, param] of [
    [{ input: '' }, 'invalid_request', 'input'],
    [{ input: ['a', ''] }, 'invalid_request', 'input.1'],
    [{ input: [] }, 'invalid_request', 'input'],
    [{ input: new Array(2049).fill('a') }, 'invalid_request', 'input'],
    [{ input: [1, 2] }, 'unsupported_feature', 'input.0'],
    [{ input: 'a', dimensions: 5 }, 'invalid_request', 'dimensions'],
    [{ input: 'a', encoding_format: 'hex' }, 'invalid_request', 'encoding_format']
  ] as const) {
    const problem = await send(JSON.stringify({ model: 'embedder', ...changes }), { path: '/v1/embeddings' })
    assert.deepEqual([problem.status, problem.code, problem.param], [400, code, param])
  }
})

test('an unknown address is 404 and a wrong method 405 with Allow, whatever the body', async () => {
  const nowhere = await server.app.inject({ method: 'POST', url: '/v1/nothing', headers: { 'content-type': 'text/plain' }, payload: 'x' })
  assert.deepEqual([nowhere.statusCode, nowhere.json().error.code], [404, 'not_found'])
  const wrong = await server.app.inject({ method: 'PUT', url: '/v1/models/small', headers: { 'content-type': 'text/plain' }, payload: 'x' })
  assert.deepEqual([wrong.statusCode, wrong.json().error.code, wrong.headers.allow], [405, 'method_not_allowed', 'GET, HEAD'])
  const broken = await server.app.inject({ method: 'GET', url: '/v1/models/%zz' })
  assert.deepEqual([broken.statusCode, broken.json().error.code], [400, 'invalid_request'])
})

test('what is not HTTP, or has huge headers, gets an answer in the same shape', async () => {
  const answerTo = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      let received = ''
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes))
      socket.on('data', (data) => {
        received += data
      })
      socket.on('close', () => resolve(received)).on('error', reject)
    })
  assert.match(await answerTo('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"/)
  assert.match(
    await answerTo(`GET / HTTP/1.1\r\nHost: localhost\r\nx-big: ${'x'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 [\s\S]*"code":"invalid_request"/
  )
  // A request without Host never came from a browser, but it is not let in either.
  assert.match(await answerTo('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 [\s\S]*"code":"forbidden_host"/)
})

test('a stream is given to HTTP/1.0 as well, without chunks', async () => {
  const body = JSON.stringify({ ...hello, stream: true })
  const received = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () =>
      socket.write(
        `POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      )
    )
    socket.on('data', (data) => {
      text += data
    })
    socket.on('close', () => resolve(text)).on('error', reject)
  })
  assert.match(received, /\r\n\r\ndata: [\s\S]*data: \[DONE\]\n\n$/)
})

test('nothing that was refused reached the queue, and no prompt reached the log', async () => {
  assert.ok(server.jobs.every(({ submission }) => submission.request.model === 'small'))
  assert.ok(server.logged.every((line) => !line.includes('canary')))
})
