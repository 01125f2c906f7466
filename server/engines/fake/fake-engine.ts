import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import type { EngineEvent, FinishReason, Usage } from '#contracts/event.ts'
import { AppError } from '../../errors.ts'
import type { Engine } from '../engine.ts'
import { type FakeTraits, plainText, type Script, scriptOf } from './fake-script.ts'
import { sampleJson } from './sample-json.ts'
import { createSteps } from './steps.ts'
import { createHold } from './stop-hold.ts'

export { fakeTraitsOf } from './fake-script.ts'

const words = 'the quick brown fox jumps over a lazy dog while seven wizards box'.split(' ')

/** Deterministic, needs no weights, speaks the whole contract; slow, failing or crashing on demand (`fake-script.ts`). A token is a word. */
export async function createFakeEngine(traits: FakeTraits): Promise<Engine> {
  if (traits.crashAtLoad) process.kill(process.pid, 'SIGKILL')
  if (traits.loadMs > 0) await delay(traits.loadMs)
  const steps = createSteps()
  const { contextWindow, slots, dimensions } = traits

  async function* chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    const script = scriptOf(request)
    const promptTokens = countPrompt(request)
    check(request, promptTokens, contextWindow)
    const limit = request.generation.maxTokens ?? contextWindow - promptTokens
    if (script.fail !== undefined && script.failAfter === 0) throw new AppError(script.fail, 'the fake engine was told to fail')
    const startedAt = performance.now()
    yield { type: 'generation-start', model: request.model }
    if (script.prefillMs > 0) await delay(script.prefillMs, undefined, { signal }).catch(() => {})
    const promptMs = performance.now() - startedAt
    const usage: Usage = { promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
    for (let index = 0; index < request.generation.n; index++) {
      yield { type: 'sequence-start', index }
      yield* sequence(request, script, index, limit, usage, signal)
    }
    yield { type: 'generation-end', usage, timings: { promptMs, generationMs: performance.now() - startedAt - promptMs } }
  }

  async function* sequence(
    request: ChatRequest,
    script: Script,
    index: number,
    limit: number,
    usage: Usage,
    signal: AbortSignal
  ): AsyncGenerator<EngineEvent> {
    let made = 0
    let finishReason: FinishReason | undefined
    /** Counts a token and waits its step; true: the sequence ends here. */
    const isOver = async (): Promise<boolean> => {
      if (made > 0) await steps.next(script.stepMs)
      if (signal.aborted) finishReason = 'cancelled'
      else if (made >= limit) finishReason = 'length'
      if (finishReason !== undefined) return true
      if (script.crashAfter !== undefined && made >= script.crashAfter) crash(script)
      if (script.fail !== undefined && made >= script.failAfter) throw new AppError(script.fail, 'the fake engine was told to fail')
      made++
      usage.completionTokens++
      return false
    }

    for (let i = 0; i < script.think; i++) {
      if (await isOver()) break
      usage.reasoningTokens++
      const [open, close] = request.features.reasoning ? ['', ''] : [i === 0 ? '<think>' : '', i === script.think - 1 ? '</think>' : '']
      const text = `${open}${i === 0 ? '' : ' '}${wordAt(request, i)}${close}`
      yield request.features.reasoning ? { type: 'reasoning-delta', index, text } : { type: 'text-delta', index, text }
    }

    const called = toolToCall(request, script)
    if (called !== undefined && finishReason === undefined) {
      const text = JSON.stringify(sampleJson(called.parameters))
      const id = `call_${createHash('sha256').update(`${called.name}${index}`).digest('hex').slice(0, 24)}`
      for (let at = 0; at < text.length; at += 4) {
        if (await isOver()) break
        yield { type: 'tool-call-delta', index, callIndex: 0, ...(at === 0 ? { id, name: called.name } : {}), argumentsText: text.slice(at, at + 4) }
      }
      yield { type: 'sequence-end', index, finishReason: finishReason ?? 'tool-calls' }
      return
    }

    const hold = createHold(request.generation.stop)
    const delta = (text: string): EngineEvent => {
      const { logprobs } = request.features
      return logprobs === undefined ? { type: 'text-delta', index, text } : { type: 'text-delta', index, text, logprobs: [logprobOf(text, logprobs)] }
    }
    for (const token of answer(request, script, index)) {
      if (await isOver()) break
      const { free, stopped } = hold.add(token)
      for (const text of free) yield delta(text)
      if (stopped) {
        finishReason = 'stop'
        break
      }
    }
    for (const text of hold.rest()) yield delta(text)
    yield { type: 'sequence-end', index, finishReason: finishReason ?? 'stop' }
  }

  async function* embed(request: EmbedRequest, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    const size = request.dimensions ?? dimensions
    if (size > dimensions) throw new AppError('invalid_request', `dimensions must be 1–${dimensions}, got ${size}`, { param: 'dimensions' })
    yield { type: 'generation-start', model: request.model }
    let promptTokens = 0
    for (const [index, text] of request.input.entries()) {
      if (signal.aborted) break
      promptTokens += countWords(text)
      yield { type: 'embedding', index, vector: vectorOf(text, size) }
    }
    yield {
      type: 'generation-end',
      usage: { promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 },
      timings: { promptMs: 0, generationMs: 0 }
    }
  }

  return {
    id: 'fake',
    description: { contextWindow, slots, embeddingDimensions: dimensions, details: { kind: 'fake' } },
    chat,
    embed,
    async [Symbol.asyncDispose]() {
      steps.stop()
    }
  }
}

function check(request: ChatRequest, promptTokens: number, contextWindow: number): void {
  const parts = request.messages.flatMap((message) => (typeof message.content === 'string' ? [] : message.content))
  if (parts.some((part) => part.type === 'image')) throw new AppError('unsupported_feature', `${request.model} reads text only, got an image`)
  const extension = Object.keys(request.generation.extensions)[0]
  if (extension !== undefined) throw new AppError('unsupported_feature', `the fake engine has no setting ${extension}`)
  const { maxTokens = 0 } = request.generation
  if (promptTokens + maxTokens > contextWindow || promptTokens >= contextWindow) {
    throw new AppError(
      'context_length_exceeded',
      `${promptTokens} prompt tokens plus ${maxTokens} to generate are ${promptTokens + maxTokens}, the context window has ${contextWindow}: shorten the prompt or lower max_tokens`
    )
  }
}

function* answer(request: ChatRequest, script: Script, index: number): Generator<string> {
  const { responseFormat } = request.generation
  if (responseFormat.type !== 'text') {
    const text = JSON.stringify(responseFormat.type === 'json' ? { answer: 'yes' } : sampleJson(responseFormat.schema))
    for (let at = 0; at < text.length; at += 4) yield text.slice(at, at + 4)
    return
  }
  if (script.say !== undefined) {
    yield* script.say.split(/(?= )/)
    return
  }
  for (let i = 0; i < script.tokens; i++) yield (i === 0 ? '' : ' ') + wordAt(request, i + index)
}

function wordAt(request: ChatRequest, i: number): string {
  return words[(i + Math.abs(request.generation.seed ?? 0)) % words.length] ?? ''
}

function toolToCall(request: ChatRequest, script: Script) {
  const { tools, toolChoice } = request
  if (toolChoice.type === 'none') return undefined
  if (toolChoice.type === 'tool') return tools.find((tool) => tool.name === toolChoice.name)
  return toolChoice.type === 'required' ? tools[0] : tools.find((tool) => tool.name === script.call)
}

function crash(script: Script): void {
  if (script.crashOnce !== undefined) {
    if (existsSync(script.crashOnce)) return
    writeFileSync(script.crashOnce, '')
  }
  process.kill(process.pid, 'SIGKILL')
}

function countPrompt(request: ChatRequest): number {
  return request.prompt === undefined
    ? request.messages.reduce((sum, message) => sum + countWords(plainText(message.content)) + 1, 0)
    : countWords(request.prompt)
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

function logprobOf(token: string, top: number) {
  const self = { token, logprob: -0.1, bytes: [...Buffer.from(token)] }
  return {
    ...self,
    top: [self, ...words.slice(0, 20).map((word, i) => ({ token: word, logprob: -3 - i, bytes: [...Buffer.from(word)] }))].slice(0, top)
  }
}

function vectorOf(text: string, size: number): string {
  const vector = new Float32Array(size)
  for (let i = 0; i < size; i++) vector[i] = createHash('sha256').update(`${i}:${text}`).digest().readInt32LE(0) / 2 ** 31
  const length = Math.hypot(...vector)
  return Buffer.from(vector.map((value) => value / length).buffer).toString('base64')
}
