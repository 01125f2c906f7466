import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import type { EngineEvent } from '#contracts/event.ts'
import type { Engine } from '../../server/engines/engine.ts'
import { AppError } from '../../server/errors.ts'

export type ConformanceTraits = {
  /** Makes an answer of at least 100 tokens. Undefined: the engine does not chat. */
  longAnswer?: string
  /** The engine makes embeddings. */
  embeds: boolean
}

type ChatInput = Partial<Omit<ChatRequest, 'generation' | 'features' | 'tools'>> & {
  generation?: Partial<ChatRequest['generation']>
  features?: Partial<ChatRequest['features']>
  tools?: { name: string; description?: string; parameters?: Record<string, unknown>; strict?: boolean }[]
}
type OfType<T extends EngineEvent['type']> = Extract<EngineEvent, { type: T }>

/** The contract of `Engine`, the same for every engine: what must hold, never how wise the answer is. */
export function engineConformance(name: string, load: () => Promise<Engine>, traits: ConformanceTraits): void {
  describe(`${name} keeps the engine contract`, () => {
    let engine: Engine
    before(async () => {
      engine = await load()
    })
    after(async () => {
      await engine[Symbol.asyncDispose]()
    })
    if (traits.longAnswer !== undefined) chatConformance(() => engine, traits.longAnswer)
    if (traits.embeds) embedConformance(() => engine)
    else {
      test('an engine without embeddings has no embed', () => {
        assert.equal(engine.embed, undefined)
        assert.equal(engine.description.embeddingDimensions, undefined)
      })
    }
    test('it says how much it can do', () => {
      assert.ok(engine.description.contextWindow > 0)
      assert.ok(engine.description.slots > 0)
    })
  })
}

function chatConformance(engine: () => Engine, longAnswer: string): void {
  const requestOf = (input: ChatInput = {}) =>
    ChatRequest.parse({
      model: 'under-test',
      ...(input.prompt === undefined ? { messages: [{ role: 'user', content: longAnswer }] } : {}),
      ...input,
      generation: { temperature: 0, maxTokens: 12, ...input.generation }
    })
  const chat = (input: ChatInput = {}, signal = new AbortController().signal) => engine().chat(requestOf(input), signal)
  const collect = (input?: ChatInput, signal?: AbortSignal) => readAll(chat(input, signal))
  const refuses = async (input: ChatInput, code: string, ...words: string[]) => {
    const seen: EngineEvent[] = []
    const error = await (async () => {
      for await (const event of chat(input)) seen.push(event)
    })().then(
      () => assert.fail('nothing was refused'),
      (thrown: unknown) => thrown
    )
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, code)
    for (const word of words) assert.ok(error.message.includes(word), `"${error.message}" should name ${word}`)
    assert.deepEqual(seen, [], 'a bad request is refused before the first event')
  }

  test('an answer starts and ends explicitly, and its usage is counted', async () => {
    const events = await collect()
    assertOrder(events, 1)
    const { usage, timings } = ofType(events, 'generation-end')[0]!
    assert.ok(usage.promptTokens > 0)
    assert.equal(usage.completionTokens, 12)
    assert.ok(usage.cachedTokens <= usage.promptTokens)
    assert.ok(timings.promptMs >= 0 && timings.generationMs >= 0)
    assert.equal(ofType(events, 'generation-start')[0]?.model, 'under-test')
  })

  test('maxTokens ends an answer as length', async () => {
    const events = await collect({ generation: { maxTokens: 3 } })
    assert.equal(ofType(events, 'sequence-end')[0]?.finishReason, 'length')
    assert.equal(ofType(events, 'generation-end')[0]?.usage.completionTokens, 3)
  })

  test('n answers are numbered, and the prompt is counted once', async () => {
    const single = ofType(await collect(), 'generation-end')[0]!
    const events = await collect({ generation: { n: 3 } })
    assertOrder(events, 3)
    const { usage } = ofType(events, 'generation-end')[0]!
    assert.equal(usage.promptTokens, single.usage.promptTokens)
    assert.equal(usage.completionTokens, 36)
  })

  test('the same seed gives the same answer', async () => {
    const input = { generation: { temperature: 1, seed: 42, maxTokens: 16 } }
    const first = textOf(await collect(input))
    assert.notEqual(first, '')
    assert.equal(textOf(await collect(input)), first)
  })

  test('a stop string ends the answer before its match', async () => {
    const whole = textOf(await collect())
    const stop = whole
      .slice(Math.floor(whole.length / 2))
      .trim()
      .slice(0, 4)
    assert.notEqual(stop, '')
    const events = await collect({ generation: { stop: [stop] } })
    assert.equal(textOf(events), whole.slice(0, whole.indexOf(stop)))
    assert.equal(ofType(events, 'sequence-end')[0]?.finishReason, 'stop')
  })

  test('an aborted request ends as cancelled and is still counted', async () => {
    const controller = new AbortController()
    const events: EngineEvent[] = []
    for await (const event of chat({ generation: { maxTokens: 100 } }, controller.signal)) {
      events.push(event)
      if (ofType(events, 'text-delta').length === 3) controller.abort()
    }
    assertOrder(events, 1)
    assert.equal(ofType(events, 'sequence-end')[0]?.finishReason, 'cancelled')
    const { completionTokens } = ofType(events, 'generation-end')[0]!.usage
    assert.ok(completionTokens >= 3 && completionTokens < 100, `${completionTokens} tokens`)
  })

  test('a request aborted before it starts ends as cancelled', async () => {
    const events = await collect({}, AbortSignal.abort())
    assert.equal(events.at(-1)?.type, 'generation-end')
    assert.ok(ofType(events, 'sequence-end').every((event) => event.finishReason === 'cancelled'))
  })

  test('a reader that leaves frees what it held', async () => {
    for (let round = 0; round <= engine().description.slots; round++) {
      for await (const event of chat({ generation: { maxTokens: 100 } })) if (event.type === 'text-delta') break
    }
    assertOrder(await collect(), 1)
  })

  test('calls beyond the slots wait and are all answered', async () => {
    const calls = Array.from({ length: engine().description.slots * 2 + 1 }, () => collect({ generation: { maxTokens: 4 } }))
    for (const events of await Promise.all(calls)) assertOrder(events, 1)
  })

  test('a call that waits for a slot can be aborted', async () => {
    const controller = new AbortController()
    const { slots } = engine().description
    const running = Array.from({ length: slots }, () => collect({ generation: { maxTokens: 40 } }))
    const waiting = collect({ generation: { maxTokens: 100 } }, controller.signal)
    controller.abort()
    const events = await waiting
    assert.equal(events.at(-1)?.type, 'generation-end')
    assert.equal(ofType(events, 'sequence-end')[0]?.finishReason, 'cancelled')
    for (const other of await Promise.all(running)) assertOrder(other, 1)
  })

  test('more tokens than the window holds are refused with the numbers', async () => {
    const { contextWindow } = engine().description
    const { promptTokens } = ofType(await collect(), 'generation-end')[0]!.usage
    const maxTokens = contextWindow + 1
    const numbers = [promptTokens, maxTokens, promptTokens + maxTokens, contextWindow].map(String)
    await refuses({ generation: { maxTokens } }, 'context_length_exceeded', ...numbers)
  })

  test('a prompt that fills the window is refused', async () => {
    const { contextWindow } = engine().description
    const messages = [{ role: 'user' as const, content: 'word '.repeat(contextWindow + 1) }]
    await refuses({ messages }, 'context_length_exceeded', String(contextWindow))
  })

  test('an image for a model that reads text is refused', async () => {
    const messages = [{ role: 'user' as const, content: [{ type: 'image' as const, mediaType: 'image/png', data: 'AAAA' }] }]
    await refuses({ messages }, 'unsupported_feature')
  })

  test('a setting that the engine does not know is refused by name', async () => {
    await refuses({ generation: { extensions: { no_such_setting: 1 } } }, 'unsupported_feature', 'no_such_setting')
  })

  test('a prompt is continued as it stands', async () => {
    const events = await collect({ prompt: 'Once upon a time', generation: { maxTokens: 4 } })
    assertOrder(events, 1)
    assert.ok(ofType(events, 'generation-end')[0]!.usage.promptTokens <= 6)
  })

  test('an answer held to a schema is JSON that satisfies it', async () => {
    const schema = { type: 'object', properties: { done: { type: 'boolean' } }, required: ['done'], additionalProperties: false }
    const events = await collect({ generation: { maxTokens: 100, responseFormat: { type: 'json-schema', schema } } })
    const value = JSON.parse(textOf(events)) as Record<string, unknown>
    assert.deepEqual(Object.keys(value), ['done'])
    assert.equal(typeof value.done, 'boolean')
    assert.equal(ofType(events, 'sequence-end')[0]?.finishReason, 'stop')
  })

  test('a required tool is called with arguments as its schema says', async () => {
    const parameters = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'], additionalProperties: false }
    const events = await collect({
      tools: [{ name: 'set_light', description: 'Switches the light', parameters, strict: true }],
      toolChoice: { type: 'required' },
      parallelToolCalls: false,
      generation: { maxTokens: 100 }
    })
    assertOrder(events, 1)
    const deltas = ofType(events, 'tool-call-delta')
    assert.equal(deltas[0]?.name, 'set_light')
    assert.match(deltas[0]?.id ?? '', /^\S+$/)
    assert.ok(deltas.every((delta) => delta.callIndex === 0))
    const values = JSON.parse(deltas.map((delta) => delta.argumentsText).join('')) as Record<string, unknown>
    assert.equal(typeof values.on, 'boolean')
    assert.equal(ofType(events, 'sequence-end')[0]?.finishReason, 'tool-calls')
  })

  test('no tool is called when the choice is none', async () => {
    const events = await collect({ tools: [{ name: 'set_light' }], toolChoice: { type: 'none' } })
    assert.deepEqual(ofType(events, 'tool-call-delta'), [])
  })

  test('log probabilities come with each token when asked for', async () => {
    const events = await collect({ features: { logprobs: 3 } })
    const tokens = ofType(events, 'text-delta').flatMap((event) => event.logprobs ?? [])
    assert.equal(tokens.length, 12)
    for (const { token, logprob, bytes, top } of tokens) {
      assert.ok(logprob <= 0)
      assert.equal(top.length, 3)
      assert.ok(bytes.length > 0)
      if (!token.includes('\uFFFD')) assert.deepEqual(bytes, [...Buffer.from(token)])
      assert.ok(top.every((other, at) => at === 0 || other.logprob <= top[at - 1]!.logprob))
    }
    const plain = await collect()
    assert.ok(ofType(plain, 'text-delta').every((event) => event.logprobs === undefined))
  })
}

function embedConformance(engine: () => Engine): void {
  const embed = (input: string[], dimensions?: number, signal = new AbortController().signal) => {
    const own = engine()
    assert.ok(own.embed)
    return readAll(own.embed(EmbedRequest.parse({ model: 'under-test', input, ...(dimensions === undefined ? {} : { dimensions }) }), signal))
  }

  test('each text gets a vector of length 1, in order', async () => {
    const input = ['The cat sleeps.', 'Prices rose again.', 'A kitten naps.']
    const events = await embed(input)
    assert.equal(events[0]?.type, 'generation-start')
    assert.equal(events.at(-1)?.type, 'generation-end')
    const vectors = ofType(events, 'embedding')
    assert.deepEqual(
      vectors.map((event) => event.index),
      [0, 1, 2]
    )
    for (const { vector } of vectors) {
      const values = toFloats(vector)
      assert.equal(values.length, engine().description.embeddingDimensions)
      assert.ok(Math.abs(Math.hypot(...values) - 1) < 1e-5)
    }
    assert.ok(ofType(events, 'generation-end')[0]!.usage.promptTokens >= 3)
  })

  test('the same text gets the same vector', async () => {
    const [first, second] = ofType(await embed(['Same words.', 'Same words.']), 'embedding')
    assert.equal(first?.vector, second?.vector)
  })

  test('fewer dimensions are the first ones, of length 1 again', async () => {
    const whole = toFloats(ofType(await embed(['A text.']), 'embedding')[0]!.vector)
    const short = toFloats(ofType(await embed(['A text.'], 8), 'embedding')[0]!.vector)
    assert.equal(short.length, 8)
    assert.ok(Math.abs(Math.hypot(...short) - 1) < 1e-5)
    const scale = Math.hypot(...whole.slice(0, 8))
    for (const [at, value] of short.entries()) assert.ok(Math.abs(value - whole[at]! / scale) < 1e-5)
  })

  test('a text without words gets a whole vector or is refused by its place, never an empty one', async () => {
    const size = engine().description.embeddingDimensions
    const sizes = await embed(['A text.', ' ']).then(
      (events) => ofType(events, 'embedding').map(({ vector }) => toFloats(vector).length),
      (error: unknown) => {
        assert.ok(error instanceof AppError && error.code === 'invalid_request' && error.param === 'input.1')
        return [size, size]
      }
    )
    assert.deepEqual(sizes, [size, size])
  })

  test('more dimensions than the model has are refused with its number', async () => {
    const most = engine().description.embeddingDimensions ?? 0
    await assert.rejects(embed(['A text.'], most + 1), (error: unknown) => error instanceof AppError && error.message.includes(String(most)))
  })
}

/** One start, then each sequence with its deltas between its start and end, then one end. */
function assertOrder(events: EngineEvent[], sequences: number): void {
  assert.equal(events[0]?.type, 'generation-start')
  assert.equal(events.at(-1)?.type, 'generation-end')
  assert.equal(ofType(events, 'generation-start').length, 1)
  assert.equal(ofType(events, 'generation-end').length, 1)
  const open = new Set<number>()
  const ended = new Set<number>()
  for (const event of events.slice(1, -1)) {
    if (event.type === 'warning' || !('index' in event)) continue
    if (event.type === 'sequence-start') {
      assert.ok(!open.has(event.index) && !ended.has(event.index))
      open.add(event.index)
    } else if (event.type === 'sequence-end') {
      assert.ok(open.delete(event.index), `sequence ${event.index} ends without having started`)
      ended.add(event.index)
    } else assert.ok(open.has(event.index), `${event.type} outside of sequence ${event.index}`)
  }
  assert.equal(open.size, 0)
  assert.deepEqual([...ended].sort(), [...Array(sequences).keys()])
}

async function readAll(events: AsyncIterable<EngineEvent>): Promise<EngineEvent[]> {
  const all: EngineEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

function ofType<T extends EngineEvent['type']>(events: EngineEvent[], type: T): OfType<T>[] {
  return events.filter((event): event is OfType<T> => event.type === type)
}

function textOf(events: EngineEvent[]): string {
  return ofType(events, 'text-delta')
    .map((event) => event.text)
    .join('')
}

function toFloats(vector: string): number[] {
  const bytes = Buffer.from(vector, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4))
}
