import type { z } from 'zod'
import { ChatRequest, type JsonSchema } from '#contracts/chat.ts'
import { isLastEvent, type SequencedEvent } from '#contracts/event.ts'
import type { Client } from '#contracts/key.ts'
import { AppError } from './errors.ts'
import type { Completion, CompletionOrder, Embed, PlanningModel } from './plans/planning/planner.ts'
import type { EventListener, JobHandle, Submission } from './queue/dispatcher.ts'

export type Submit = (submission: Submission, listener: EventListener) => Promise<JobHandle>

/** What is known of the model that plans now. Bytes and tokens. */
export type LocalPlanner = { id: string; size: number; contextWindow: number }

/** Weights of fewer bytes hold less than about a billion numbers, however they are quantised. None at all: no real model. */
const smallBytes = 640_000_000
/** Prompts of names and JSON have more tokens than that many characters each. */
const charactersPerToken = 2.5
const leastThinking = 128

/** Whether weights of so many bytes are too few to choose services by; none at all belong to no real model. */
export function isSmallModel(bytes: number): boolean {
  return bytes > 0 && bytes < smallBytes
}

/** A model of ours that plans: its grammar holds it to the schema, and its jobs run in the planning lane. */
export function createQueuedModel({ submit, model }: { submit: Submit; model: () => LocalPlanner }): PlanningModel {
  return {
    grammar: true,
    isSmall: () => isSmallModel(model().size),
    contextWindow: () => model().contextWindow,
    async complete(order, signal) {
      const { id, contextWindow } = model()
      const room = contextWindow - Math.ceil((order.system.length + order.user.length) / charactersPerToken) - order.maxTokens
      const thinking = Math.min(order.thinkingTokens ?? 0, room)
      const first = await run(id, order, thinking >= leastThinking ? thinking : 0, signal)
      if ('text' in first) return first
      // It would think on for ever: what it thought so far is given to it, and it has to answer now.
      const notes = `${order.user}\n\nYour thoughts so far: ${JSON.stringify(first.thoughts)}\nAnswer now.`
      const second = await run(id, { ...order, user: notes }, 0, signal)
      if (!('text' in second)) throw new TypeError('a model that is not to think has thought too much')
      return { ...second, reasoning: first.thoughts, completionTokens: second.completionTokens + first.tokens }
    }
  }

  async function run(
    model: string,
    order: CompletionOrder,
    thinkingTokens: number,
    signal: AbortSignal
  ): Promise<Completion | { thoughts: string; tokens: number }> {
    const request = toChatRequest(model, order, thinkingTokens)
    const answer: Answer = {
      text: '',
      reasoning: '',
      finishReason: 'stop',
      promptTokens: 0,
      completionTokens: 0
    }
    const overthought = new AbortController()
    const submission: Submission = { ...envelope(order.clientId, order.requestId), kind: 'chat', request }
    const onEvent = (event: SequencedEvent) => {
      note(answer, event)
      tell(order, event, event.type === 'reasoning-delta' ? answer.reasoning.length : answer.text.length)
      // A token is about four letters of thought, and the answer needs its own share.
      if (event.type === 'reasoning-delta' && answer.reasoning.length > 4 * thinkingTokens) overthought.abort()
    }
    const ended = await follow(submit, submission, onEvent, signal, overthought.signal)
    const { text, reasoning, finishReason, completionTokens } = answer
    if (ended === 'left' || (finishReason === 'length' && text === '' && reasoning !== '')) {
      return { thoughts: reasoning, tokens: completionTokens || Math.ceil(reasoning.length / 4) }
    }
    return { ...answer, model }
  }
}

/** Embeddings of the local model. `model` undefined: there is none ready. */
export function createQueuedEmbed({ submit, model }: { submit: Submit; model: () => string | undefined }): Embed {
  return async (texts, signal = new AbortController().signal) => {
    const id = model()
    if (id === undefined) return undefined
    if (texts.length === 0) return []
    const vectors: Float32Array[] = []
    for (let from = 0; from < texts.length; from += mostTexts) {
      const input = texts.slice(from, from + mostTexts).map((text) => (text === '' ? ' ' : text))
      const submission: Submission = { ...envelope('local', 'plan-engine'), kind: 'embed', request: { model: id, input } }
      const onEvent = (event: SequencedEvent) => {
        if (event.type === 'embedding') vectors[from + event.index] = toVector(event.vector)
      }
      await follow(submit, submission, onEvent, signal)
    }
    return vectors
  }
}

/** A prompt that is a task of a plan: no schema where the answer is plain text, and the model that the task names, if any. */
export type TaskOrder = Omit<CompletionOrder, 'schema' | 'onProgress' | 'thinkingTokens'> & { schema?: JsonSchema | undefined; model: string }

/** Tasks for models of ours, beside what clients ask: in the lane `normal`. */
export function createQueuedTasks(submit: Submit): (order: TaskOrder, signal: AbortSignal) => Promise<Completion> {
  return async (order, signal) => {
    const { model, schema, maxTokens, system, user } = order
    const request = ChatRequest.parse({
      model,
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: user }
      ],
      generation: { maxTokens, ...(schema === undefined ? {} : { responseFormat: { type: 'json-schema', schema } }) },
      features: { reasoning: true }
    } satisfies z.input<typeof ChatRequest>)
    const answer: Completion = { text: '', reasoning: '', model, promptTokens: 0, completionTokens: 0, finishReason: 'stop' }
    const submission: Submission = { ...envelope(order.clientId, order.requestId), lane: 'normal', kind: 'chat', request }
    await follow(submit, submission, (event) => note(answer, event), signal)
    return answer
  }
}

/** What one embedding request takes at most. */
const mostTexts = 2048

type Answer = Pick<Completion, 'text' | 'reasoning' | 'finishReason' | 'promptTokens' | 'completionTokens'>

function note(answer: Answer, event: SequencedEvent): void {
  if (event.type === 'text-delta') answer.text += event.text
  if (event.type === 'reasoning-delta') answer.reasoning += event.text
  if (event.type === 'sequence-end' && event.finishReason === 'length') answer.finishReason = 'length'
  if (event.type === 'generation-end')
    Object.assign(answer, { promptTokens: event.usage.promptTokens, completionTokens: event.usage.completionTokens })
}

/** Resolves when the job has ended, or as `left` when `leave` says that its rest is not wanted. Throws what ended it, and the signal's reason. */
async function follow(
  submit: Submit,
  submission: Submission,
  onEvent: (event: SequencedEvent) => void,
  signal: AbortSignal,
  leave: AbortSignal = new AbortController().signal
): Promise<'ended' | 'left'> {
  signal.throwIfAborted()
  const outcome = Promise.withResolvers<'ended' | 'left'>()
  // Whoever awaits it sees the failure; it may come while the submission is still under way.
  outcome.promise.catch(() => {})
  let isOver = false
  const listener = (events: SequencedEvent[]) => {
    for (const event of events) {
      if (isOver) return
      if (event.type === 'error') {
        const { code, message, param, retryAfter } = event
        const more = { ...(param === undefined ? {} : { param }), ...(retryAfter === undefined ? {} : { retryAfter }) }
        outcome.reject(new AppError(code, message, more))
      } else onEvent(event)
      if (event.type === 'sequence-end' && event.finishReason === 'cancelled')
        outcome.reject(new AppError('cancelled', 'the request of the planner was cancelled'))
      if (isLastEvent(event)) outcome.resolve('ended')
    }
  }
  const onAbort = () => outcome.reject(signal.reason)
  const onLeave = () => outcome.resolve('left')
  signal.addEventListener('abort', onAbort, { once: true })
  leave.addEventListener('abort', onLeave, { once: true })
  let handle: JobHandle | undefined
  try {
    handle = await submit(submission, listener)
    return await outcome.promise
  } finally {
    isOver = true
    signal.removeEventListener('abort', onAbort)
    leave.removeEventListener('abort', onLeave)
    // Of no effect where the job has ended.
    handle?.leave('client_gone')
  }
}

function toChatRequest(model: string, order: CompletionOrder, thinkingTokens: number): ChatRequest {
  return ChatRequest.parse({
    model,
    messages: [
      { role: 'system', content: order.system },
      { role: 'user', content: order.user }
    ],
    generation: {
      temperature: 0,
      maxTokens: order.maxTokens + thinkingTokens,
      responseFormat: { type: 'json-schema', schema: order.schema }
    },
    features: { reasoning: thinkingTokens > 0 }
  })
}

function tell({ onProgress }: CompletionOrder, event: SequencedEvent, characters: number): void {
  if (onProgress === undefined) return
  if (event.type === 'job-queued') onProgress({ type: 'waiting', position: event.position, etaMs: event.etaMs })
  if (event.type === 'model-load') onProgress({ type: 'loading', percent: event.percent })
  if (event.type === 'reasoning-delta') onProgress({ type: 'thinking', characters })
  if (event.type === 'text-delta') onProgress({ type: 'writing', characters })
}

function envelope(clientId: string, requestId: string): Pick<Submission, 'client' | 'lane' | 'priority' | 'requestId' | 'detached'> {
  const client: Client = { id: clientId, name: 'plan engine', role: 'user', lane: 'planning' }
  return { client, lane: 'planning', priority: 0, requestId, detached: false }
}

/** From base64 of little-endian 32-bit floats. */
function toVector(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64')
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index))
}
