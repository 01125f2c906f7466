import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../server/errors.ts'
import { ChatCompletion } from '../../server/http/wire/openai-reply.ts'
import { answer, close, dataOf, end, hello, open, start, startScripted, text } from './scripted-services.ts'

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

type Chunk = {
  id: string
  object: string
  choices: { index: number; delta: Record<string, unknown>; finish_reason: string | null }[]
  usage?: unknown
}

test('a stream has the role first, then the text, the finish reason and [DONE]', async () => {
  await using server = await startScripted()
  const response = await post(server.url, { ...hello, stream: true })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  assert.equal(response.headers.get('x-outpost-job-id'), 'job-1')
  assert.match(response.headers.get('x-outpost-queue-ms') ?? '', /^\d+$/)
  const chunks = dataOf(await response.text())
  assert.equal(chunks.at(-1), '[DONE]')
  const parsed = chunks.slice(0, -1) as Chunk[]
  assert.deepEqual(
    parsed.map(({ choices }) => [choices[0]?.delta, choices[0]?.finish_reason]),
    [
      [{ role: 'assistant', content: '', refusal: null }, null],
      [{ content: 'Hello' }, null],
      [{ content: ' world' }, null],
      [{}, 'stop']
    ]
  )
  assert.equal(new Set(parsed.map(({ id }) => id)).size, 1)
  assert.ok(parsed.every(({ object, usage }) => object === 'chat.completion.chunk' && usage === undefined))
})

test('include_usage adds a last chunk without choices, and usage null before it', async () => {
  await using server = await startScripted()
  const response = await post(server.url, { ...hello, stream: true, stream_options: { include_usage: true } })
  const chunks = dataOf(await response.text()).slice(0, -1) as Chunk[]
  assert.deepEqual(chunks.at(-1)?.choices, [])
  assert.deepEqual(chunks.at(-1)?.usage, {
    prompt_tokens: 9,
    completion_tokens: 2,
    total_tokens: 11,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 0 }
  })
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null))
})

test('what a client leaves out of the settings is the same in every dialect, and what it sends counts', async () => {
  await using server = await startScripted()
  const settingsOf = async (path: string, body: object) => {
    await (
      await fetch(`${server.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    ).text()
    const request = server.jobs.at(-1)?.submission.request
    assert.ok(request !== undefined && 'generation' in request)
    const { temperature, topP, topK, minP, repeatPenalty } = request.generation
    return { temperature, topP, topK, minP, repeatPenalty }
  }
  const usual = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05, repeatPenalty: 1 }
  assert.deepEqual(await settingsOf('/outpost/chat', hello), usual)
  assert.deepEqual(await settingsOf('/v1/chat/completions', hello), usual)
  assert.deepEqual(await settingsOf('/v1/completions', { model: 'small', prompt: 'Once' }), usual)
  const sent = { temperature: 1, top_p: 1, top_k: -1, min_p: 0, repetition_penalty: 1.1 }
  const unfiltered = { temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1.1 }
  assert.deepEqual(await settingsOf('/v1/chat/completions', { ...hello, ...sent }), unfiltered)
})

test('text with quotes, line ends and emoji survives the stream as it was', async () => {
  const words = 'a "quoted"\nline\u2028 with \u{1F600} and \\ and \u0000'
  await using server = await startScripted((job) => job.emit(start, open(), text(words), close(), end))
  const chunks = dataOf(await (await post(server.url, { ...hello, stream: true })).text()) as Chunk[]
  assert.equal(chunks[1]?.choices[0]?.delta.content, words)
})

test('an answer in one piece has text, usage and its headers', async () => {
  await using server = await startScripted((job) => job.emit({ type: 'warning', message: 'top_k is not known' }, ...answer))
  const response = await post(server.url, hello)
  const body = ChatCompletion.parse(await response.json())
  assert.equal(body.choices[0]?.message.content, 'Hello world')
  assert.equal(body.choices[0]?.finish_reason, 'stop')
  assert.equal(body.usage.total_tokens, 11)
  assert.equal(body.service_tier, 'default')
  assert.equal(response.headers.get('x-outpost-cached-tokens'), '4')
  assert.equal(response.headers.get('x-outpost-warning'), 'top_k is not known')
})

test('tool calls come as deltas in a stream and whole in one piece', async () => {
  await using server = await startScripted((job) =>
    job.emit(
      start,
      open(),
      { type: 'tool-call-delta', index: 0, callIndex: 0, id: 'call_1', name: 'weather', argumentsText: '{"city":' },
      { type: 'tool-call-delta', index: 0, callIndex: 0, argumentsText: '"Bonn"}' },
      close('tool-calls'),
      end
    )
  )
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
  const whole = ChatCompletion.parse(await (await post(server.url, { ...hello, tools })).json())
  assert.equal(whole.choices[0]?.message.content, null)
  assert.deepEqual(whole.choices[0]?.message.tool_calls, [
    { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bonn"}' } }
  ])
  assert.equal(whole.choices[0]?.finish_reason, 'tool_calls')
  const chunks = dataOf(await (await post(server.url, { ...hello, tools, stream: true })).text()) as Chunk[]
  assert.deepEqual(chunks[1]?.choices[0]?.delta.tool_calls, [
    { index: 0, function: { name: 'weather', arguments: '{"city":' }, id: 'call_1', type: 'function' }
  ])
  assert.deepEqual(chunks[2]?.choices[0]?.delta.tool_calls, [{ index: 0, function: { arguments: '"Bonn"}' } }])
})

test('log probabilities and reasoning stand where clients look for them', async () => {
  const logprobs = [{ token: 'Hi', logprob: -0.5, bytes: [72, 105], top: [{ token: 'Hi', logprob: -0.5, bytes: [72, 105] }] }]
  await using server = await startScripted((job) =>
    job.emit(start, open(), { type: 'reasoning-delta', index: 0, text: 'hm' }, { type: 'text-delta', index: 0, text: 'Hi', logprobs }, close(), end)
  )
  const request = { ...hello, logprobs: true, top_logprobs: 1, reasoning_effort: 'low' }
  const body = ChatCompletion.parse(await (await post(server.url, request)).json())
  assert.equal(body.choices[0]?.message.reasoning_content, 'hm')
  assert.equal(body.choices[0]?.message.reasoning, 'hm')
  assert.equal(body.choices[0]?.logprobs?.content?.[0]?.top_logprobs[0]?.token, 'Hi')
  const sent = server.jobs[0]?.submission.request
  assert.ok(sent !== undefined && 'features' in sent)
  assert.deepEqual(sent.features, { reasoning: true, logprobs: 1 })
})

test('an error before the first output keeps its status, code and Retry-After, streamed or not', async () => {
  await using server = await startScripted((job) => job.emit({ type: 'error', code: 'queue_full', message: 'full', retryable: true, retryAfter: 7 }))
  for (const stream of [true, false]) {
    const response = await post(server.url, { ...hello, stream })
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '7')
    assert.deepEqual(await response.json(), { error: { message: 'full', type: 'server_error', param: null, code: 'queue_full' } })
  }
})

test('an error after the start but before the first token still keeps its status', async () => {
  await using server = await startScripted((job) => {
    job.emit(start, open())
    job.emit({ type: 'error', code: 'worker_lost', message: 'gone', retryable: true })
  })
  const response = await post(server.url, { ...hello, stream: true })
  assert.equal(response.status, 503)
  assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'worker_lost')
})

test('an error in the middle of a stream is its last event, without [DONE]', async () => {
  await using server = await startScripted((job) =>
    job.emit(start, open(), text('Hel'), { type: 'error', code: 'worker_lost', message: 'gone', retryable: true })
  )
  const chunks = dataOf(await (await post(server.url, { ...hello, stream: true })).text())
  assert.equal((chunks[1] as Chunk).choices[0]?.delta.content, 'Hel')
  assert.deepEqual(chunks.at(-1), { error: { message: 'gone', type: 'server_error', param: null, code: 'worker_lost' } })
})

test('a job cancelled by somebody else ends as the error cancelled, streamed or not', async () => {
  await using server = await startScripted((job) => job.emit(start, open(), text('Hel'), close('cancelled'), end))
  const chunks = dataOf(await (await post(server.url, { ...hello, stream: true })).text())
  assert.equal((chunks.at(-1) as { error: { code: string } }).error.code, 'cancelled')
  assert.equal((await post(server.url, hello)).status, 499)
})

test('a submission that is refused is the answer', async () => {
  await using server = await startScripted()
  server.services.jobs.submit = async () => {
    throw new AppError('model_not_ready', 'not yet', { retryAfter: 3 })
  }
  const response = await post(server.url, { ...hello, stream: true })
  assert.equal(response.status, 503)
  assert.equal(response.headers.get('retry-after'), '3')
})

test('a long wait opens the stream with comments that tell the position', async () => {
  const opened = Promise.withResolvers<void>()
  await using server = await startScripted((job) => {
    job.emit({ type: 'job-queued', position: 3, etaMs: 1200 })
    void opened.promise.then(() => job.emit(...answer))
  })
  const response = await post(server.url, { ...hello, stream: true })
  assert.equal(response.headers.get('x-outpost-queue-position'), '3')
  opened.resolve()
  const body = await response.text()
  assert.match(body, /^: queued position=3 eta_ms=1200\n\n/)
  assert.equal(dataOf(body).at(-1), '[DONE]')
})

test('a client that leaves a stream, or hangs up on an answer in one piece, makes its job be left', async () => {
  for (const stream of [true, false]) {
    const submitted = Promise.withResolvers<void>()
    await using server = await startScripted((job) => {
      if (stream) job.emit(start, open(), text('Hel'))
      submitted.resolve()
    })
    const abort = new AbortController()
    const request = fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...hello, stream }),
      signal: abort.signal
    })
    const settled = request.catch(() => {})
    await submitted.promise
    if (stream) await settled
    abort.abort()
    assert.equal(await server.jobs[0]?.left, 'client_gone')
    await settled
  }
})

test('the lane follows service_tier and never passes the key’s own', async () => {
  await using server = await startScripted()
  const { secret } = server.services.keys.create({ name: 'batch only', role: 'user', lane: 'batch' })
  await post(server.url, hello)
  await post(server.url, { ...hello, service_tier: 'priority', priority: -5 })
  await post(server.url, { ...hello, service_tier: 'flex' })
  await post(server.url, { ...hello, service_tier: 'priority' }, { authorization: `Bearer ${secret}` })
  assert.deepEqual(
    server.jobs.map(({ submission }) => [submission.lane, submission.priority, submission.client.id === 'local']),
    [
      ['normal', 0, true],
      ['interactive', -5, true],
      ['batch', 0, true],
      ['batch', 0, false]
    ]
  )
})

test('several answers keep their own index', async () => {
  await using server = await startScripted((job) =>
    job.emit(start, open(0), open(1), text('a', 0), text('b', 1), text('c', 1), close('stop', 0), close('length', 1), end)
  )
  const body = ChatCompletion.parse(await (await post(server.url, { ...hello, n: 2 })).json())
  assert.deepEqual(
    body.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason]),
    [
      [0, 'a', 'stop'],
      [1, 'bc', 'length']
    ]
  )
})
