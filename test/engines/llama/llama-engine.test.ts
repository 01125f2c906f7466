import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ChatRequest } from '#contracts/chat.ts'
import type { EngineEvent } from '#contracts/event.ts'
import { loadLlamaEngine } from '../../../server/engines/llama/llama-engine.ts'
import { AppError } from '../../../server/errors.ts'
import { createLog } from '../../../server/log.ts'
import { chatWeights } from '../../helpers/weights.ts'

const log = createLog({ level: 'silent' })
const path = await chatWeights()
const load = (file: string, kind: 'chat' | 'embedding' = 'chat') =>
  loadLlamaEngine({ modelId: 'm', path: file, kind, threads: 1, slots: 2, contextWindow: 1024, gpu: false, log })
const engine = await load(path)
after(() => engine[Symbol.asyncDispose]())

const start = (input: Record<string, unknown>, signal = new AbortController().signal) => {
  const generation = { temperature: 0, maxTokens: 8, ...(input.generation as object | undefined) }
  return engine.chat(ChatRequest.parse({ model: 'm', ...input, generation }), signal)
}
const run = async (input: Record<string, unknown>) => {
  const events: EngineEvent[] = []
  for await (const event of start(input)) events.push(event)
  const text = events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
  const end = events.at(-1)
  assert.ok(end?.type === 'generation-end')
  return { events, text, usage: end.usage }
}
const user = (content: string) => ({ role: 'user', content })

test('the second turn of a chat evaluates only what is new', async () => {
  const first = [user(`Remember this list: ${'apple pear plum '.repeat(100)}`)]
  const one = await run({ messages: first })
  const two = await run({ messages: [...first, { role: 'assistant', content: one.text }, user('Which was the first?')] })
  assert.ok(two.usage.cachedTokens >= one.usage.promptTokens, `${two.usage.cachedTokens} of ${two.usage.promptTokens} cached`)
  assert.ok(two.usage.promptTokens - two.usage.cachedTokens < 40)
})

test('an answer from the cache is the same as without', async () => {
  const messages = [user('Name three colours of the rainbow, please.')]
  const cold = await run({ messages, generation: { maxTokens: 24 } })
  const warm = await run({ messages, generation: { maxTokens: 24 } })
  assert.equal(warm.usage.cachedTokens, warm.usage.promptTokens - 1)
  assert.equal(warm.text, cold.text)
})

test('without chance several answers are the same, also when they borrow the prompt from the first', async () => {
  const { events } = await run({ messages: [user(`Sum up: ${'red green blue '.repeat(60)}`)], generation: { n: 2, maxTokens: 6 } })
  const textOf = (index: number) => events.map((event) => (event.type === 'text-delta' && event.index === index ? event.text : '')).join('')
  assert.notEqual(textOf(0), '')
  assert.equal(textOf(1), textOf(0))
})

test('a prompt that another slot knows is copied, not evaluated', async () => {
  const system = { role: 'system', content: `Be kind. ${'Stay calm and polite. '.repeat(60)}` }
  const input = { messages: [system, user('Who are you?')], generation: { maxTokens: 12 } }
  const alone = await run(input)
  const controller = new AbortController()
  let beside: Awaited<ReturnType<typeof run>> | undefined
  // While one answer holds the slot that knows the system message, another one must take the other slot.
  for await (const event of start({ ...input, generation: { maxTokens: 100, extensions: { ignore_eos: true } } }, controller.signal)) {
    if (event.type !== 'text-delta' || beside !== undefined) continue
    beside = await run({ messages: [system, user('Who are you?')], generation: { maxTokens: 12 } })
    controller.abort()
  }
  assert.ok((beside?.usage.cachedTokens ?? 0) > 250, `${beside?.usage.cachedTokens} cached`)
  assert.equal(beside?.text, alone.text)
})

test('a cancelled answer leaves a cache that can be used', async () => {
  const input = { messages: [user('List the first twenty numbers in words.')], generation: { maxTokens: 30 } }
  const whole = await run(input)
  const controller = new AbortController()
  let deltas = 0
  for await (const event of start(input, controller.signal)) if (event.type === 'text-delta' && ++deltas === 5) controller.abort()
  assert.equal((await run(input)).text, whole.text)
})

test('a long prompt does not hold up who generates', async () => {
  const controller = new AbortController()
  let isReading = false
  let between = 0
  let reader: Promise<void> | undefined
  const read = async () => {
    for await (const event of start({ messages: [user('word '.repeat(200))], generation: { maxTokens: 1 } }))
      isReading = event.type === 'sequence-start'
    controller.abort()
  }
  const talking = { messages: [user('Count to one hundred.')], generation: { maxTokens: 900, extensions: { ignore_eos: true } } }
  for await (const event of start(talking, controller.signal)) {
    if (event.type !== 'text-delta') continue
    reader ??= read()
    if (isReading) between++
  }
  await reader
  assert.ok(between >= 2, `${between} tokens while the other prompt was read`)
})

test('a short prompt is answered while a long one that came before it is still being read', async () => {
  let isShortAnswered = false
  let short: Promise<void> | undefined
  for await (const event of start({ messages: [user('lighthouse '.repeat(300))], generation: { maxTokens: 1 } })) {
    if (event.type === 'sequence-start') {
      short = run({ messages: [user('Hi.')], generation: { maxTokens: 1 } }).then(() => {
        isShortAnswered = true
      })
    }
    if (event.type === 'text-delta') assert.ok(isShortAnswered)
  }
  await short
})

test('a conversation that cannot fit is refused before it is read, however many messages it has', async () => {
  const refused = (messages: unknown[], message: RegExp) =>
    assert.rejects(
      run({ messages }),
      (error: unknown) => error instanceof AppError && error.code === 'context_length_exceeded' && message.test(error.message)
    )
  await refused(
    Array.from({ length: 100_000 }, () => user('x')),
    /the context window is 1024 tokens, the prompt has at least 100000/
  )
  await refused([user(' '.repeat(3_000_000))], /the context window is 1024 tokens, the prompt has at least \d{4,}/)
  await refused([user('word '.repeat(3000))], /the context window is 1024 tokens, the prompt has 30\d\d/)
})

test('reading a long conversation into tokens lets others have their turn', async () => {
  let turns = 0
  let isOver = false
  const turn = () => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await assert.rejects(run({ messages: Array.from({ length: 1000 }, () => user('lorem ipsum '.repeat(8))) }), { code: 'context_length_exceeded' })
  isOver = true
  assert.ok(turns > 3, `${turns} turns`)
})

test('characters of several tokens arrive whole', async () => {
  const { events, text } = await run({ prompt: 'A row of smileys: 😀😃😄😁😀😃😄😁😀😃😄😁😀😃', generation: { maxTokens: 16 } })
  assert.match(text, /\p{Extended_Pictographic}/u)
  for (const event of events) if (event.type === 'text-delta') assert.ok(!event.text.includes('\uFFFD') && event.text.isWellFormed())
})

test('the same seed gives the same answer, another one another answer', async () => {
  const input = (seed: number) => ({ messages: [user('Tell a story.')], generation: { temperature: 1, seed, maxTokens: 10 } })
  // From here on the prompt comes from the cache each time: evaluated in other batches it may be rounded differently.
  await run(input(10))
  const { text } = await run(input(11))
  assert.equal((await run(input(11))).text, text)
  assert.notEqual((await run(input(12))).text, text)
})

test('a call that a limit cuts off in its head is no text', async () => {
  const tools = [{ name: 'get_weather_of_a_place_far_away', parameters: { type: 'object', properties: { place: { type: 'string' } } } }]
  const input = { messages: [user('Weather in Rome?')], tools, toolChoice: { type: 'required' }, generation: { maxTokens: 5 } }
  const { events, text } = await run(input)
  assert.equal(text, '')
  const end = events.find((event) => event.type === 'sequence-end')
  assert.ok(end?.type === 'sequence-end' && end.finishReason === 'length')
})

test('a model that must call comes to an end, after sixteen calls at most', async () => {
  const tools = [{ name: 'clock', strict: true, parameters: { type: 'object', properties: {}, additionalProperties: false } }]
  const input = { messages: [user('What time is it?')], tools, toolChoice: { type: 'required' }, generation: { maxTokens: 700 } }
  const { events } = await run(input)
  const calls = new Set(events.map((event) => (event.type === 'tool-call-delta' ? event.callIndex : -1)).filter((index) => index >= 0))
  assert.ok(calls.size >= 1 && calls.size <= 16, `${calls.size} calls`)
  const end = events.find((event) => event.type === 'sequence-end')
  assert.ok(end?.type === 'sequence-end' && end.finishReason === 'tool-calls')
})

test('the arguments of a strict tool are held to what no grammar can hold', async () => {
  const impossible = { type: 'object', properties: { n: { const: 1 } }, required: ['n'], not: { required: ['n'] } }
  const input = { messages: [user('Go.')], toolChoice: { type: 'required' }, parallelToolCalls: false, generation: { maxTokens: 60 } }
  await assert.rejects(
    run({ ...input, tools: [{ name: 'go', strict: true, parameters: impossible }] }),
    (error: unknown) => error instanceof AppError && error.code === 'invalid_output' && /call of go/.test(error.message)
  )
  await run({ ...input, tools: [{ name: 'go', strict: false, parameters: impossible }] })
})

test('a banned token never comes', async () => {
  const input = { prompt: '1 2 3 4', generation: { maxTokens: 1 }, features: { logprobs: 1 } }
  const { events, text } = await run(input)
  const first = events.find((event) => event.type === 'text-delta')
  assert.ok(first?.type === 'text-delta' && first.logprobs?.length === 1)
  const banned: Record<string, number> = {}
  for (let token = 0; token < 1000; token++) banned[token] = -100
  const other = await run({ ...input, generation: { maxTokens: 1, logitBias: banned } })
  assert.notEqual(other.text, text)
})

test('an engine for embeddings does not chat', async () => {
  await using embedding = await load(path, 'embedding')
  await assert.rejects(
    (async () => {
      for await (const _ of embedding.chat(ChatRequest.parse({ model: 'm', prompt: 'x' }), new AbortController().signal)) assert.fail()
    })(),
    (error: unknown) => error instanceof AppError && error.code === 'unsupported_feature'
  )
})

test('a file that is cut off, lies in its header or is no model is corrupt, and says which', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outpost-weights-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const head = Buffer.alloc(4_000_000)
  const whole = openSync(path, 'r')
  readSync(whole, head, 0, head.length, 0)
  closeSync(whole)
  const lying = (offset: number) => {
    const copy = Buffer.from(head)
    copy.writeBigUInt64LE(1n << 40n, offset)
    return copy
  }
  const lies = { 'tensors.gguf': lying(8), 'metadata.gguf': lying(16), 'key.gguf': lying(24) }
  const files = {
    ...lies,
    'cut.gguf': head,
    'short.gguf': head.subarray(0, 100),
    'text.gguf': Buffer.from('not a model'),
    'empty.gguf': Buffer.alloc(0)
  }
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    writeFileSync(file, content)
    await assert.rejects(load(file), (error: unknown) => {
      assert.ok(error instanceof AppError, String(error))
      assert.equal(error.code, 'weights_corrupt', name)
      assert.ok(error.message.includes(name))
      return true
    })
  }
})
