import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import OpenAI, { APIError } from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { temporaryFolder } from '../helpers/folder.ts'
import { callOwner } from '../helpers/owner.ts'
import { until } from '../helpers/processes.ts'
import { startTestServer } from '../helpers/server.ts'
import { placeWeights } from '../helpers/weights.ts'

// The official client, unchanged, against a whole server with the real models.
const home = temporaryFolder({ after })
const hasEmbeddings = (await placeWeights(home)).includes('all-minilm-l6-v2')
const server = await startTestServer({ after }, { home, catalogue: null })
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 })
const model = 'smollm2'
const messages = [{ role: 'user' as const, content: 'Name a colour.' }]
const base = { model, messages, temperature: 0, max_tokens: 12 }

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather of a city',
    strict: true,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', maxLength: 20 }, unit: { enum: ['celsius', 'fahrenheit'] } },
      required: ['city', 'unit'],
      additionalProperties: false
    }
  }
}
const light = { type: 'function' as const, function: { ...weather.function, name: 'set_light', parameters: { type: 'object', properties: {} } } }

const refusal = async (call: PromiseLike<unknown>): Promise<APIError> => {
  const error = await Promise.resolve(call).then(
    () => assert.fail('nothing was refused'),
    (thrown: unknown) => thrown
  )
  assert.ok(error instanceof APIError, String(error))
  return error
}
const ownersJson = async (path: string) => JSON.parse(await (await callOwner(server.socket, 'GET', path)).text())

test('an answer and a stream say the same, with the usage counted', async () => {
  const whole = await client.chat.completions.create(base)
  assert.equal(whole.choices[0]?.finish_reason === 'stop' || whole.choices[0]?.finish_reason === 'length', true)
  assert.ok(whole.usage!.prompt_tokens > 5 && whole.usage!.completion_tokens > 0 && whole.usage!.completion_tokens <= 12)
  let text = ''
  let last: OpenAI.CompletionUsage | null | undefined
  let role: string | undefined
  for await (const chunk of await client.chat.completions.create({ ...base, stream: true, stream_options: { include_usage: true } })) {
    role ??= chunk.choices[0]?.delta.role
    text += chunk.choices[0]?.delta.content ?? ''
    last = chunk.usage ?? last
  }
  assert.equal(role, 'assistant')
  assert.equal(text, whole.choices[0]?.message.content)
  assert.notEqual(text, '')
  assert.deepEqual([last?.prompt_tokens, last?.completion_tokens], [whole.usage?.prompt_tokens, whole.usage?.completion_tokens])
})

test('the second turn of a chat finds its history in the cache', async () => {
  const history = [{ role: 'user' as const, content: `Remember this list: ${Array.from({ length: 60 }, (_, i) => `item ${i}`).join(', ')}.` }]
  const first = await client.chat.completions.create({ ...base, messages: history })
  const second = await client.chat.completions.create({
    ...base,
    messages: [...history, { role: 'assistant', content: first.choices[0]?.message.content ?? '' }, { role: 'user', content: 'Thanks!' }]
  })
  const cached = second.usage?.prompt_tokens_details?.cached_tokens ?? 0
  assert.ok(cached >= first.usage!.prompt_tokens - 2, `${cached} of ${first.usage!.prompt_tokens} are cached`)
  assert.ok(cached < second.usage!.prompt_tokens)
})

test('a required tool and a named tool are called with arguments that fit, streamed or not', async () => {
  const Arguments = z.strictObject({ city: z.string().max(20), unit: z.enum(['celsius', 'fahrenheit']) })
  const asked = { ...base, messages: [{ role: 'user' as const, content: 'How is the weather in Paris?' }], max_tokens: 100 }
  const required = await client.chat.completions.create({ ...asked, tools: [weather], tool_choice: 'required', parallel_tool_calls: false })
  const [call] = required.choices[0]?.message.tool_calls ?? []
  assert.ok(call?.type === 'function')
  assert.equal(required.choices[0]?.finish_reason, 'tool_calls')
  assert.equal(call.function.name, 'get_weather')
  Arguments.parse(JSON.parse(call.function.arguments))

  const stream = client.chat.completions.stream({
    ...asked,
    tools: [light, weather],
    tool_choice: { type: 'function', function: { name: 'get_weather' } },
    parallel_tool_calls: false
  })
  let deltas = 0
  stream.on('chunk', (chunk) => {
    deltas += chunk.choices[0]?.delta.tool_calls?.length ?? 0
  })
  const { choices } = await stream.finalChatCompletion()
  const [named] = choices[0]?.message.tool_calls ?? []
  assert.ok(named?.type === 'function')
  assert.equal(named.function.name, 'get_weather')
  Arguments.parse(JSON.parse(named.function.arguments))
  assert.ok(deltas > 2, 'the arguments come in pieces')
})

test('parse gives an object of the schema', async () => {
  const Person = z.object({
    name: z.string().max(20),
    age: z.int().min(0).max(150),
    likes: z.array(z.enum(['tea', 'cake'])).max(3),
    job: z.union([z.string().max(20), z.null()])
  })
  const completion = await client.chat.completions.parse({
    model,
    messages: [{ role: 'user', content: 'Invent a person, as JSON.' }],
    max_tokens: 200,
    response_format: zodResponseFormat(Person, 'person')
  })
  const parsed = completion.choices[0]?.message.parsed
  assert.deepEqual(Person.parse(parsed), parsed)
  assert.equal(completion.choices[0]?.finish_reason, 'stop')
})

test('n answers, log probabilities, a stop string and a seed do what they say', async () => {
  const two = await client.chat.completions.create({ ...base, n: 2, temperature: 1, seed: 3 })
  assert.deepEqual(
    two.choices.map(({ index }) => index),
    [0, 1]
  )
  assert.ok(two.choices.every(({ message }) => message.content !== ''))

  const logged = await client.chat.completions.create({ ...base, logprobs: true, top_logprobs: 3 })
  const tokens = logged.choices[0]?.logprobs?.content ?? []
  assert.equal(tokens.map(({ token }) => token).join(''), logged.choices[0]?.message.content)
  assert.ok(tokens.every(({ logprob, top_logprobs }) => logprob <= 0 && top_logprobs.length === 3))

  const text = logged.choices[0]?.message.content ?? ''
  const stop = text.slice(4, 8)
  const stopped = await client.chat.completions.create({ ...base, stop })
  assert.equal(stopped.choices[0]?.message.content, text.slice(0, text.indexOf(stop)))
  assert.equal(stopped.choices[0]?.finish_reason, 'stop')

  const seeded = { ...base, temperature: 1.2, seed: 7 }
  const [one, again, other] = await Promise.all([seeded, seeded, { ...seeded, seed: 8 }].map((body) => client.chat.completions.create(body)))
  assert.equal(one?.choices[0]?.message.content, again?.choices[0]?.message.content)
  assert.notEqual(one?.choices[0]?.message.content, other?.choices[0]?.message.content)
})

test('eight streams on four slots all come to their end', async () => {
  const streams = Array.from({ length: 8 }, async (_, i) => {
    let finish: string | null | undefined
    const body = { ...base, messages: [{ role: 'user' as const, content: `Count from ${i}.` }], stream: true as const, max_tokens: 24 }
    for await (const chunk of await client.chat.completions.create(body)) finish = chunk.choices[0]?.finish_reason ?? finish
    return finish
  })
  const ends = await Promise.all(streams)
  assert.equal(ends.length, 8)
  assert.ok(
    ends.every((reason) => reason === 'stop' || reason === 'length'),
    String(ends)
  )
})

test('a client that aborts stops the engine at once, and is booked', async () => {
  const stream = await client.chat.completions.create({
    ...base,
    messages: [{ role: 'user', content: 'Count from 1 to 2000, one number on each line.' }],
    max_tokens: 4000,
    // Its two end tokens: it goes on until it is stopped.
    logit_bias: { '2': -100, '0': -100 },
    stream: true
  })
  let seen = 0
  for await (const chunk of stream) {
    if ((chunk.choices[0]?.delta.content ?? '') !== '' && ++seen === 3) stream.controller.abort()
  }
  await until(async () => (await ownersJson('/outpost/queue')).queues.every((queue: { running: number }) => queue.running === 0), 'nothing runs')
  await until(async () => (await ownersJson('/outpost/usage?by=request&limit=1')).rows[0]?.errorCode === 'client_gone', 'it is booked')
  const [row] = (await ownersJson('/outpost/usage?by=request&limit=1')).rows
  assert.equal(row.finishReason, 'cancelled')
  assert.ok(row.usage.completionTokens >= 3 && row.usage.completionTokens < 1000, `${row.usage.completionTokens} tokens`)
})

test('more than the context window holds is refused with both numbers', async () => {
  const { promptTokens } = await client.chat.completions.create(base).then(({ usage }) => ({ promptTokens: usage!.prompt_tokens }))
  const error = await refusal(client.chat.completions.create({ ...base, max_tokens: 9000 }))
  assert.deepEqual([error.status, error.code], [400, 'context_length_exceeded'])
  for (const number of [promptTokens, 9000, 8192]) assert.match(error.message, new RegExp(`\\b${number}\\b`))
  const long = await refusal(client.chat.completions.create({ ...base, messages: [{ role: 'user', content: 'word '.repeat(9000) }] }))
  assert.equal(long.code, 'context_length_exceeded')
})

test('an image and an unknown model are refused with what to do', async () => {
  const url = 'data:image/png;base64,iVBORw0KGgo='
  const image = await refusal(
    client.chat.completions.create({ ...base, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] })
  )
  assert.deepEqual([image.status, image.code], [400, 'unsupported_feature'])
  assert.match(image.message, /image/)
  const unknown = await refusal(client.chat.completions.create({ ...base, model: 'smolm2' }))
  assert.deepEqual([unknown.status, unknown.code], [404, 'model_not_found'])
  assert.match(unknown.message, /did you mean .*smollm2/)
})

test('the models are listed, and each can be had by id or alias', async () => {
  const ids = (await client.models.list()).data.map(({ id }) => id)
  assert.ok(ids.includes('smollm2-135m-instruct'))
  assert.equal((await client.models.retrieve('smollm2')).id, 'smollm2-135m-instruct')
  assert.equal((await refusal(client.models.retrieve('nothing-like-it'))).status, 404)
})

test(
  hasEmbeddings ? 'embeddings are the same as numbers and as base64, and can be shortened' : 'without an embedding model, embeddings say what to do',
  async () => {
    const embedding = { model: 'all-minilm', input: ['A cat sleeps on the sofa.', 'A kitten naps on the couch.', 'Interest rates rose again.'] }
    if (!hasEmbeddings) {
      assert.equal((await refusal(client.embeddings.create(embedding))).code, 'model_not_ready')
      return
    }
    const floats = await client.embeddings.create({ ...embedding, encoding_format: 'float' })
    const base64 = await client.embeddings.create(embedding)
    const [cat, kitten, rates] = floats.data.map((item) => item.embedding)
    assert.equal(cat?.length, 384)
    for (const [i, { embedding: values }] of base64.data.entries()) {
      const closeness = cosine([...values], floats.data[i]!.embedding)
      assert.ok(closeness > 0.9999, `${closeness}`)
    }
    assert.ok(cosine(cat!, kitten!) > cosine(cat!, rates!) + 0.2)
    const short = await client.embeddings.create({ ...embedding, dimensions: 64, encoding_format: 'float' })
    assert.equal(short.data[0]?.embedding.length, 64)
    assert.ok(cosine(short.data[0]!.embedding, cat!.slice(0, 64)) > 0.9999)
    assert.ok(floats.usage.prompt_tokens > 10)
    assert.equal((await refusal(client.embeddings.create({ ...embedding, dimensions: 385 }))).status, 400)
  }
)

function cosine(one: number[], other: number[]): number {
  const dot = one.reduce((sum, value, i) => sum + value * other[i]!, 0)
  return dot / (Math.hypot(...one) * Math.hypot(...other))
}
