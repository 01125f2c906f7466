import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { JobEvent } from '#contracts/event.ts'
import type { ModelStatus } from '#contracts/model.ts'
import type { Config } from '../server/config.ts'
import { createLog } from '../server/log.ts'
import { createPlanModels } from '../server/plan-models.ts'
import type { CompletionOrder, PlanningProgress } from '../server/plans/planning/planner.ts'
import type { Submission } from '../server/queue/dispatcher.ts'
import type { Submit } from '../server/queued-model.ts'

const log = createLog({ level: 'silent' })
const order: CompletionOrder = { system: 'rules', user: 'question', schema: { type: 'object' }, maxTokens: 50, clientId: 'c', requestId: 'r' }
const forever = new AbortController().signal
const nobody: Submit = async () => assert.fail('nothing is to be queued')
const usage = { promptTokens: 7, cachedTokens: 0, completionTokens: 5, reasoningTokens: 0 }

function status(id: string, kind: ModelStatus['kind'], more: Partial<ModelStatus> = {}): ModelStatus {
  const facts = {
    aliases: [],
    name: id,
    engine: 'llama',
    licence: 'MIT',
    uses: [],
    trust: 'catalogue',
    state: 'ready',
    percent: null,
    reason: null,
    pinned: false
  } as const
  return { id, kind, ...facts, size: 5e9, contextWindow: 8192, slots: 4, dimensions: null, createdAt: 0, ...more, aliases: [], uses: [] }
}

function planModels(config: Partial<Config>, submit: Submit = nobody, known: ModelStatus[] = [status('chat', 'chat'), status('embed', 'embedding')]) {
  const models = { resolve: (name: string) => known.find(({ id }) => id === name) ?? assert.fail(name) }
  const settings = { airGap: false, planModel: undefined, planEndpoint: undefined, embeddingEndpoint: undefined, ...config }
  return createPlanModels({ config: settings, submit, models, wanted: { chat: 'chat', embedding: 'embed' }, log })
}

type Seen = { path: string; authorization: string | undefined; body: Record<string, unknown> }

/** A server that answers each request with what `answer` says. */
async function endpoint(t: TestContext, answer: (seen: Seen, index: number) => { status?: number; body: unknown; headers?: Record<string, string> }) {
  const seen: Seen[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const one = { path: request.url ?? '', authorization: request.headers.authorization, body: JSON.parse(text) as Record<string, unknown> }
    seen.push(one)
    const { status = 200, body, headers } = answer(one, seen.length - 1)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const chatAnswer = (content: string, more: object = {}) => ({
  choices: [{ message: { content, ...more }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2 }
})

test('an endpoint is asked for a plan in one user message, whichever way its address is written', async (t) => {
  const server = await endpoint(t, () => ({ body: chatAnswer('<think>hm</think>{"a":1}') }))
  for (const path of ['', '/', '/v1', '/v1/']) {
    const { planning } = planModels({ airGap: true, planEndpoint: { url: `${server.url}${path}`, key: 'k', model: 'qwen/QwQ-32B' } })
    assert.equal(planning.grammar, false)
    const completion = await planning.complete(order, forever)
    assert.deepEqual([completion.text, completion.reasoning, completion.promptTokens, completion.completionTokens], ['{"a":1}', 'hm', 3, 2])
  }
  for (const { path, authorization, body } of server.seen) {
    assert.deepEqual([path, authorization], ['/v1/chat/completions', 'Bearer k'])
    assert.deepEqual(body['messages'], [{ role: 'user', content: 'rules\n\nquestion' }])
    assert.equal(body['temperature'], 0.1)
  }
})

test('an endpoint without a key is sent none', async (t) => {
  const server = await endpoint(t, () => ({ body: chatAnswer('x', { reasoning_content: 'thought' }) }))
  const { planning } = planModels({ planEndpoint: { url: server.url, key: undefined, model: 'm' } })
  assert.equal((await planning.complete(order, forever)).reasoning, 'thought')
  assert.equal(server.seen[0]?.authorization, undefined)
})

test('what an endpoint does not take is left out, and not tried again', async (t) => {
  const server = await endpoint(t, ({ body }) =>
    'response_format' in body || 'max_tokens' in body
      ? { status: 400, body: { error: { message: 'unsupported parameter' } } }
      : { body: chatAnswer('ok') }
  )
  const { planning } = planModels({ planEndpoint: { url: server.url, key: undefined, model: 'o1-mini' } })
  assert.equal((await planning.complete(order, forever)).text, 'ok')
  assert.equal((await planning.complete(order, forever)).text, 'ok')
  assert.deepEqual(
    server.seen.map(({ body }) => ['response_format' in body, 'max_tokens' in body]),
    [
      [true, true],
      [false, true],
      [false, false],
      [false, false]
    ]
  )
})

test('a busy endpoint is asked again', async (t) => {
  const server = await endpoint(t, (_seen, index) =>
    index === 0 ? { status: 429, body: {}, headers: { 'retry-after': '0.01' } } : { body: chatAnswer('ok') }
  )
  const { planning } = planModels({ planEndpoint: { url: server.url, key: undefined, model: 'm' } })
  assert.equal((await planning.complete(order, forever)).text, 'ok')
})

test('a failing endpoint is named with what it said, and no key', async (t) => {
  const server = await endpoint(t, () => ({ status: 401, body: { error: { message: 'bad key' } } }))
  const { planning } = planModels({ planEndpoint: { url: server.url, key: 'sk-canary', model: 'm' } })
  await assert.rejects(planning.complete(order, forever), (error: Error & { code: string }) => {
    assert.equal(error.code, 'engine_failed')
    assert.match(error.message, /LLM_API_BASE_URL: 127\.0\.0\.1:\d+ answered 401: bad key/)
    return !error.message.includes('canary')
  })
  const tooLong = await endpoint(t, () => ({ status: 400, body: { error: { message: "This model's maximum context length is 4096 tokens" } } }))
  await assert.rejects(planModels({ planEndpoint: { url: tooLong.url, key: undefined, model: 'm' } }).planning.complete(order, forever), {
    code: 'context_length_exceeded'
  })
  const other = await endpoint(t, () => ({ body: '<html>' }))
  await assert.rejects(planModels({ planEndpoint: { url: other.url, key: undefined, model: 'm' } }).planning.complete(order, forever), /not JSON/)
})

test('behind the air gap a public endpoint is refused, and one of the own network is not', () => {
  const at = (url: string) => () => planModels({ airGap: true, planEndpoint: { url, key: undefined, model: 'm' } })
  assert.throws(at('https://203.0.113.5/v1'), { code: 'policy_denied' })
  for (const url of ['http://localhost:1', 'http://127.0.0.1:1/v1', 'http://192.168.1.9:8000', 'http://[fd00::1]:1'])
    assert.doesNotThrow(at(url), url)
  assert.throws(
    () => planModels({ airGap: true, embeddingEndpoint: { url: 'http://8.8.8.8', key: undefined, model: 'm' } }),
    /EMBEDDINGS_API_BASE_URL.*OUTPOST_AIR_GAP/
  )
})

test('embeddings of an endpoint are put in order and made of length 1', async (t) => {
  const server = await endpoint(t, ({ body }) => ({
    body: { data: (body['input'] as string[]).map((text, index) => ({ index, embedding: [text.length, 4] })).reverse() }
  }))
  const { embed } = planModels({ embeddingEndpoint: { url: server.url, key: undefined, model: 'e' } })
  const vectors = await embed(['a', 'bcd'])
  assert.deepEqual(
    vectors?.map((vector) => [...vector].map((value) => value.toFixed(3))),
    [
      ['0.243', '0.970'],
      ['0.600', '0.800']
    ]
  )
  assert.deepEqual([server.seen[0]?.path, server.seen[0]?.body['model']], ['/v1/embeddings', 'e'])
})

/** A queue that runs each job as a script says. */
function queue(script: (submission: Submission, index: number) => JobEvent[]) {
  const submissions: Submission[] = []
  const left: string[] = []
  const submit: Submit = async (submission, listener) => {
    const events = script(submission, submissions.push(submission) - 1)
    setImmediate(() => listener(events.map((event, seq) => ({ ...event, jobId: 'j', seq }))))
    return { jobId: 'j', leave: (reason) => left.push(reason) }
  }
  return { submit, submissions, left }
}
const ended: JobEvent[] = [
  { type: 'sequence-end', index: 0, finishReason: 'stop' },
  { type: 'generation-end', usage, timings: { promptMs: 1, generationMs: 1 } }
]

test('a model of ours plans in its own lane, held to the schema, and tells how it goes', async () => {
  const { submit, submissions } = queue(() => [
    { type: 'job-queued', position: 2, etaMs: 50 },
    { type: 'model-load', percent: 30 },
    { type: 'reasoning-delta', index: 0, text: 'hmm' },
    { type: 'text-delta', index: 0, text: '{"a":' },
    { type: 'text-delta', index: 0, text: '1}' },
    ...ended
  ])
  const progress: PlanningProgress[] = []
  const { planning } = planModels({ planModel: 'big' }, submit, [status('big', 'chat'), status('embed', 'embedding')])
  const completion = await planning.complete({ ...order, thinkingTokens: 200, onProgress: (one) => progress.push(one) }, forever)
  assert.deepEqual(completion, { text: '{"a":1}', reasoning: 'hmm', model: 'big', finishReason: 'stop', promptTokens: 7, completionTokens: 5 })
  assert.deepEqual(progress, [
    { type: 'waiting', position: 2, etaMs: 50 },
    { type: 'loading', percent: 30 },
    { type: 'thinking', characters: 3 },
    { type: 'writing', characters: 5 },
    { type: 'writing', characters: 7 }
  ])
  const [submission] = submissions
  assert.ok(submission?.kind === 'chat')
  assert.deepEqual([submission.lane, submission.client.id, submission.requestId, submission.request.model], ['planning', 'c', 'r', 'big'])
  assert.deepEqual(submission.request.generation.responseFormat, { type: 'json-schema', schema: { type: 'object' } })
  assert.deepEqual([submission.request.generation.maxTokens, submission.request.features.reasoning], [250, true])
})

test('a model that thinks too long is stopped and has to answer with what it thought', async () => {
  const { submit, submissions, left } = queue((_submission, index) =>
    index === 0 ? [{ type: 'reasoning-delta', index: 0, text: 'so '.repeat(400) }] : [{ type: 'text-delta', index: 0, text: '{}' }, ...ended]
  )
  const completion = await planModels({}, submit).planning.complete({ ...order, thinkingTokens: 200 }, forever)
  assert.equal(completion.text, '{}')
  assert.match(completion.reasoning, /^so so/)
  const second = submissions[1]
  assert.ok(second?.kind === 'chat')
  assert.equal(second.request.features.reasoning, false)
  assert.match(JSON.stringify(second.request.messages), /Your thoughts so far: .*so so/)
  assert.equal(left[0], 'client_gone')
})

test('a planning that is given up leaves its job', async () => {
  const { submit, left } = queue(() => [])
  const stop = new AbortController()
  const completion = planModels({}, submit).planning.complete(order, stop.signal)
  setImmediate(() => stop.abort(new Error('given up')))
  await assert.rejects(completion, /given up/)
  assert.deepEqual(left, ['client_gone'])
})

test('an error of a job keeps its code', async () => {
  const { submit } = queue(() => [{ type: 'error', code: 'model_failed', message: 'crashed', retryable: false }])
  await assert.rejects(planModels({}, submit).planning.complete(order, forever), { code: 'model_failed', message: 'crashed' })
})

test('a model below about a billion weights counts as small, however it came here', () => {
  const isSmall = (size: number) => planModels({}, nobody, [status('chat', 'chat', { size })]).planning.isSmall?.()
  assert.deepEqual([98_000_000, 400_000_000, 800_000_000, 0].map(isSmall), [true, true, false, false])
})

test('embeddings of the local model come in order; without its weights there are none', async () => {
  const vector = (value: number) => Buffer.from(new Float32Array([value]).buffer).toString('base64')
  const { submit, submissions } = queue(() => [
    { type: 'embedding', index: 1, vector: vector(2) },
    { type: 'embedding', index: 0, vector: vector(1) },
    ...ended.slice(1)
  ])
  const vectors = await planModels({}, submit).embed(['one', ''])
  assert.deepEqual(
    vectors?.map(([value]) => value),
    [1, 2]
  )
  assert.ok(submissions[0]?.kind === 'embed')
  assert.equal(submissions[0].lane, 'planning')
  const without = planModels({}, nobody, [status('chat', 'chat'), status('embed', 'embedding', { state: 'absent' })])
  assert.equal(await without.embed(['one']), undefined)
})

test('a model that cannot chat cannot plan', () => {
  assert.throws(() => planModels({ planModel: 'embed' }), /OUTPOST_PLAN_MODEL: embed is a model of kind embedding/)
})
