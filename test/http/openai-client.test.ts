import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { close, end, open, type Script, start, startScripted, text, usage } from './scripted-services.ts'

const messages = [{ role: 'user' as const, content: 'hello' }]

async function startWithClient(script?: Script, apiKey = 'local') {
  const server = await startScripted(script)
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 })
  return { server, client, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

test('the official client reads a stream to its end, with usage', async () => {
  await using it = await startWithClient()
  const stream = await it.client.chat.completions.create({ model: 'small', messages, stream: true, stream_options: { include_usage: true } })
  let words = ''
  let total = 0
  for await (const chunk of stream) {
    words += chunk.choices[0]?.delta.content ?? ''
    total = chunk.usage?.total_tokens ?? total
  }
  assert.equal(words, 'Hello world')
  assert.equal(total, 11)
})

test('its stream helper puts the answer together', async () => {
  await using it = await startWithClient()
  const completion = await it.client.chat.completions.stream({ model: 'small', messages }).finalChatCompletion()
  assert.equal(completion.choices[0]?.message.content, 'Hello world')
})

test('it runs tools', async () => {
  await using it = await startWithClient((job) => {
    const { request } = job.submission
    if ('messages' in request && request.messages.some(({ role }) => role === 'tool')) {
      job.emit(start, open(), text('Sunny'), close(), end)
    } else {
      job.emit(
        start,
        open(),
        { type: 'tool-call-delta', index: 0, callIndex: 0, id: 'call_1', name: 'weather', argumentsText: '{"city":"Bonn"}' },
        close('tool-calls'),
        end
      )
    }
  })
  const asked: unknown[] = []
  const runner = it.client.chat.completions.runTools({
    model: 'small',
    messages,
    stream: true,
    tools: [
      {
        type: 'function',
        function: {
          name: 'weather',
          description: 'the weather',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
          parse: JSON.parse,
          function: (given: unknown) => {
            asked.push(given)
            return 'sun'
          }
        }
      }
    ]
  })
  assert.equal(await runner.finalContent(), 'Sunny')
  assert.deepEqual(asked, [{ city: 'Bonn' }])
  const second = it.server.jobs[1]?.submission.request
  assert.ok(second !== undefined && 'messages' in second)
  assert.deepEqual(second.messages[1], {
    role: 'assistant',
    content: '',
    toolCalls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Bonn"}' }]
  })
  assert.deepEqual(second.messages[2], { role: 'tool', toolCallId: 'call_1', content: 'sun' })
})

test('it parses an answer by a schema', async () => {
  await using it = await startWithClient((job) => job.emit(start, open(), text('{"city":"Bonn","people":330000}'), close(), end))
  const City = z.object({ city: z.string(), people: z.int() })
  const completion = await it.client.chat.completions.parse({ model: 'small', messages, response_format: zodResponseFormat(City, 'city') })
  assert.deepEqual(completion.choices[0]?.message.parsed, { city: 'Bonn', people: 330000 })
  const sent = it.server.jobs[0]?.submission.request
  assert.ok(sent !== undefined && 'generation' in sent && sent.generation.responseFormat.type === 'json-schema')
  assert.deepEqual(sent.generation.responseFormat.schema.required, ['city', 'people'])
})

test('it makes embeddings, in base64 and as numbers', async () => {
  const vector = Buffer.from(new Float32Array([0.5, -0.5, 0.25, 1]).buffer).toString('base64')
  await using it = await startWithClient((job) =>
    job.emit(
      start,
      { type: 'embedding', index: 0, vector },
      { type: 'embedding', index: 1, vector },
      { ...end, usage: { ...usage, promptTokens: 6 } }
    )
  )
  for (const options of [{}, { encoding_format: 'float' as const }]) {
    const reply = await it.client.embeddings.create({ model: 'embedder', input: ['a', 'b'], ...options })
    assert.deepEqual(
      reply.data.map(({ embedding }) => [...embedding]),
      [
        [0.5, -0.5, 0.25, 1],
        [0.5, -0.5, 0.25, 1]
      ]
    )
    assert.equal(reply.usage.prompt_tokens, 6)
  }
})

test('it completes several prompts, merged in their order, streamed or not', async () => {
  await using it = await startWithClient((job) => {
    const { request } = job.submission
    const prompt = 'prompt' in request ? String(request.prompt) : ''
    // The first prompt ends last.
    setImmediate(() => setImmediate(() => prompt === 'one' && job.emit(start, open(), text(' 1'), close('length'), end)))
    if (prompt !== 'one') job.emit(start, open(), text(' 2'), close(), end)
  })
  const whole = await it.client.completions.create({ model: 'small', prompt: ['one', 'two'], echo: true })
  assert.deepEqual(
    whole.choices.map(({ index, text, finish_reason }) => [index, text, finish_reason]),
    [
      [0, 'one 1', 'length'],
      [1, 'two 2', 'stop']
    ]
  )
  assert.equal(whole.usage?.total_tokens, 22)
  const sent = it.server.jobs[0]?.submission.request
  assert.ok(sent !== undefined && 'generation' in sent && sent.generation.maxTokens === 16)
  const texts = ['', '']
  let total: number | undefined
  for await (const chunk of await it.client.completions.create({
    model: 'small',
    prompt: ['one', 'two'],
    stream: true,
    stream_options: { include_usage: true }
  })) {
    for (const choice of chunk.choices) texts[choice.index] += choice.text
    total = chunk.usage?.total_tokens ?? total
  }
  assert.deepEqual(texts, [' 1', ' 2'])
  assert.equal(total, 22)
})

test('many prompts at once raise no warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  await using it = await startWithClient()
  const whole = await it.client.completions.create({ model: 'small', prompt: new Array(40).fill('x') })
  assert.equal(whole.choices.length, 40)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', note)
  assert.deepEqual(warnings, [])
})

test('when one prompt of several fails, the others are left and the failure is the answer', async () => {
  await using it = await startWithClient((job) => {
    const { request } = job.submission
    if ('prompt' in request && request.prompt === 'bad') job.emit({ type: 'error', code: 'engine_failed', message: 'broken', retryable: true })
    else job.emit(start, open())
  })
  await assert.rejects(it.client.completions.create({ model: 'small', prompt: ['good', 'bad'] }), { status: 500, code: 'engine_failed' })
  assert.equal(await it.server.jobs[0]?.left, 'client_gone')
})

test('it lists and retrieves models that can be used', async () => {
  await using it = await startWithClient()
  const models = await it.client.models.list()
  assert.deepEqual(
    models.data.map(({ id }) => id),
    ['small', 'embedder']
  )
  assert.equal((await it.client.models.retrieve('small-latest')).id, 'small')
  await assert.rejects(it.client.models.retrieve('nothing'), { status: 404, code: 'model_not_found' })
})

test('its errors have their classes, codes and fields', async () => {
  await using it = await startWithClient()
  await assert.rejects(it.client.chat.completions.create({ model: 'small', messages, n: 1000 }), OpenAI.BadRequestError)
  await assert.rejects(it.client.chat.completions.create({ model: 'small', messages: [] }), {
    status: 400,
    code: 'invalid_request',
    param: 'messages'
  })
  await assert.rejects(it.client.chat.completions.create({ model: 'nothing', messages }), OpenAI.NotFoundError)
  await using wrong = await startWithClient(undefined, 'op-wrong')
  wrong.server.services.keys.create({ name: 'another', role: 'user', lane: 'normal' })
  await assert.rejects(wrong.client.models.list(), OpenAI.AuthenticationError)
})

test('an error in the middle of a stream is thrown by it', async () => {
  await using it = await startWithClient((job) =>
    job.emit(start, open(), text('Hel'), { type: 'error', code: 'worker_lost', message: 'the worker is gone', retryable: true })
  )
  const stream = await it.client.chat.completions.create({ model: 'small', messages, stream: true })
  let words = ''
  await assert.rejects(async () => {
    for await (const chunk of stream) words += chunk.choices[0]?.delta.content ?? ''
  }, /the worker is gone/)
  assert.equal(words, 'Hel')
})

test('its abort ends the job', async () => {
  await using it = await startWithClient((job) => job.emit(start, open(), text('Hel')))
  const stream = await it.client.chat.completions.create({ model: 'small', messages, stream: true })
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'Hel') break
  assert.equal(await it.server.jobs[0]?.left, 'client_gone')
})
