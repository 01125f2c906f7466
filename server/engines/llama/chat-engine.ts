import type { Llama, LlamaGrammar, LlamaModel } from 'node-llama-cpp'
import type { ChatRequest } from '#contracts/chat.ts'
import type { EngineEvent } from '#contracts/event.ts'
import { AppError, toAppError } from '../../errors.ts'
import { type Answer, createAnswer } from './answer.ts'
import { createAnswerParser } from './answer-parser.ts'
import type { ChatTemplate } from './chat-template.ts'
import { type Constraint, createConstraint } from './constraint.ts'
import type { Decoder } from './decoder.ts'
import { createEventQueue } from './event-queue.ts'
import { createRun, type Run } from './generation-run.ts'
import type { Native } from './native.ts'
import { createPromptText } from './prompt-text.ts'
import { findReasoningTags, startsInReasoning } from './reasoning.ts'
import { parseExtensions, toSamplerConfig } from './sampling.ts'
import type { Slots } from './slots.ts'
import { toTemplateInput } from './template-messages.ts'
import { pickToolFormat } from './tool-format.ts'
import type { Vocabulary } from './vocabulary.ts'

export type ChatEngineParts = {
  llama: Llama
  model: LlamaModel
  native: Native
  vocabulary: Vocabulary
  template: ChatTemplate
  slots: Slots
  decoder: Decoder
  /** Tokens of prompt and answer together. */
  window: number
}

/** A request read to the end: nothing in it can be refused any more. */
type Prepared = {
  prompt: number[]
  isInReasoning: boolean
  constraint: Constraint
  budget: number
}

/** `chat` of the llama engine; see `Engine`. */
export function createChat(parts: ChatEngineParts): (request: ChatRequest, signal: AbortSignal) => AsyncGenerator<EngineEvent, void> {
  const { native, vocabulary, template, slots, decoder, window } = parts
  const promptText = createPromptText(vocabulary)
  const format = pickToolFormat(template.source)
  const reasoning = findReasoningTags(template.source)
  const markers = [...format.syntax.opens, format.syntax.close, format.trigger, reasoning?.open ?? '', reasoning?.close ?? '']
  const isMarker = (text: string) => markers.some((marker) => marker.includes(text))
  const isNothingShown = () => false
  const grammars = new Map<string, LlamaGrammar>()

  async function prepare(request: ChatRequest): Promise<Prepared> {
    const extensions = parseExtensions(request.generation.extensions)
    let prompt: number[]
    let isInReasoning = false
    if (request.prompt !== undefined) {
      // Who sends a prompt writes the whole of it, control tokens included.
      refuseTooLong(leastTokens(request.prompt, vocabulary), window)
      prompt = await promptText.tokenizeRaw(request.prompt)
      // A model must start from something.
      if (prompt.length === 0) prompt = vocabulary.tokenizeTemplate(vocabulary.endText)
      if (prompt.length === 0) throw new AppError('invalid_request', 'prompt is empty', { param: 'prompt' })
    } else {
      // Every message costs its markers, whatever the template.
      refuseTooLong(request.messages.length, window)
      const rendered = template.render({ ...toTemplateInput(request, format, promptText.protect), variables: extensions.chat_template_kwargs ?? {} })
      refuseTooLong(leastTokens(rendered, vocabulary), window)
      prompt = await promptText.tokenize(rendered)
      isInReasoning = startsInReasoning(rendered, reasoning)
    }
    const budget = tokenBudget(prompt.length, request.generation.maxTokens, window)
    const constraint = createConstraint({ ...parts, grammars }, request, { format, reasoning, startsInReasoning: isInReasoning, isShown: isMarker })
    // Refuses what is wrong in it now, before the first event.
    toSamplerConfig(request, { index: 0, prompt: [], vocabularySize: vocabulary.size, endTokens: [], window })
    return { prompt, isInReasoning, constraint, budget }
  }

  function createAnswerFor(request: ChatRequest, prepared: Prepared, index: number, emit: (event: EngineEvent) => void): Answer {
    const isChat = request.prompt === undefined
    const { generation, features } = request
    const hasTools = isChat && request.tools.length > 0 && request.toolChoice.type !== 'none'
    return createAnswer({
      index,
      vocabulary,
      parser: createAnswerParser({
        reasoning: isChat ? reasoning : null,
        startsInReasoning: prepared.isInReasoning,
        splitReasoning: features.reasoning || prepared.constraint.splitsReasoning,
        format: hasTools ? format : null,
        stop: generation.stop
      }),
      isShown: isChat ? isMarker : isNothingShown,
      budget: prepared.budget,
      withLogprobs: features.logprobs !== undefined,
      onlyCalls: prepared.constraint.onlyCalls,
      emitsReasoning: features.reasoning,
      emit
    })
  }

  /** One answer from waiting for a slot to its end. */
  async function generate(request: ChatRequest, prepared: Prepared, index: number, run: Run): Promise<void> {
    const { prompt, constraint } = prepared
    const answer = createAnswerFor(request, prepared, index, run.emit)
    run.answers.push(answer)
    // The others borrow the prompt's evaluation from the first.
    if (index > 0) await run.firstToken
    const slot = await slots.acquire(prompt, run.signal).catch((error: unknown) => {
      if (run.signal.aborted) return undefined
      throw error
    })
    run.begin()
    run.emit({ type: 'sequence-start', index })
    if (slot === undefined) return answer.finish(true)
    const grammar = constraint.begin()
    const endTokens = grammar === undefined ? vocabulary.endTokens() : []
    const config = toSamplerConfig(request, { index, prompt, vocabularySize: vocabulary.size, endTokens, window })
    if (grammar !== undefined) config.grammarEvaluationState = grammar
    const watch = constraint.watch()
    const sampler = native.createSampler(config)
    const startedAt = performance.now()
    let firstTokenAt: number | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const cancel = decoder.start({
          slot,
          prompt,
          sampler,
          chances: request.features.logprobs,
          onStart: (cachedTokens) => run.evaluated(prompt.length, cachedTokens),
          onToken(token, chances) {
            if (firstTokenAt === undefined) {
              firstTokenAt = performance.now()
              run.promptMs ??= firstTokenAt - startedAt
              run.hasFirstToken()
            }
            if (!answer.take(token, chances)) return false
            const next = watch?.(token)
            if (next !== undefined) sampler.applyConfig({ ...config, grammarEvaluationState: next })
            return true
          },
          onEnd(error) {
            run.signal.removeEventListener('abort', cancel)
            slots.release(slot)
            if (error !== undefined) return reject(error)
            if (firstTokenAt !== undefined) run.generationMs = Math.max(run.generationMs, performance.now() - firstTokenAt)
            answer.finish(answer.finishReason === undefined)
            resolve()
          }
        })
        run.signal.addEventListener('abort', cancel, { once: true })
        if (run.signal.aborted) cancel()
      })
    } finally {
      sampler.dispose()
    }
    refuseInvalid(constraint, answer)
  }

  return async function* chat(request, signal) {
    const prepared = await prepare(request)
    const queue = createEventQueue<EngineEvent>()
    const stop = new AbortController()
    const run = createRun(request.model, AbortSignal.any([signal, stop.signal]), queue.push)
    const all = Array.from({ length: request.generation.n }, (_, index) => generate(request, prepared, index, run))
    // The first failure ends the others, too; the stream ends when the last of them is gone.
    for (const one of all) one.catch((error: unknown) => stop.abort(error)).finally(run.hasFirstToken)
    const end = Promise.allSettled(all).then((results) => {
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined && !signal.aborted) return queue.end(toAppError(failed.reason, 'engine_failed'))
      run.end()
      queue.end()
    })
    try {
      yield* queue.events()
    } finally {
      // A reader that leaves early is as good as an aborted signal.
      stop.abort()
      await end
    }
  }
}

/** What a text cannot have less of. */
function leastTokens(text: string, { longestToken }: Vocabulary): number {
  return Math.ceil(Buffer.byteLength(text) / longestToken)
}

/** Throws `context_length_exceeded` where counting the tokens would only say by how much. */
function refuseTooLong(leastTokens: number, window: number): void {
  if (leastTokens <= window) return
  throw new AppError(
    'context_length_exceeded',
    `the context window is ${window} tokens, the prompt has at least ${leastTokens}. Shorten the messages`,
    {
      param: 'messages'
    }
  )
}

/** Tokens the answer may have. Throws `context_length_exceeded` when what is asked for does not fit the window. */
export function tokenBudget(promptTokens: number, maxTokens: number | undefined, window: number): number {
  const wanted = maxTokens ?? 1
  if (promptTokens + wanted <= window) return maxTokens ?? window - promptTokens
  const asked =
    maxTokens === undefined ? 'the prompt leaves no room for an answer' : `the prompt and max_tokens ${maxTokens} make ${promptTokens + maxTokens}`
  throw new AppError(
    'context_length_exceeded',
    `the context window is ${window} tokens, the prompt has ${promptTokens}: ${asked}. Shorten the messages${maxTokens === undefined ? '' : ' or ask for fewer tokens'}`,
    { param: 'messages' }
  )
}

/** At most so many reasons are listed. */
const listedViolations = 3

/** What a limit or the client cut off cannot be valid, and says so by its finish reason. */
function refuseInvalid(constraint: Constraint, { finishReason, text, calls }: Answer): void {
  if (finishReason === 'tool-calls') {
    for (const { name, argumentsText } of calls) {
      const violations = constraint.checkCall(name, argumentsText)
      if (violations.length === 0) continue
      throw new AppError(
        'invalid_output',
        `the arguments of the call of ${name} do not satisfy its parameters: ${violations.slice(0, listedViolations).join('; ')}`
      )
    }
  }
  if (finishReason !== 'stop') return
  const violations = constraint.check?.(text) ?? []
  if (violations.length === 0) return
  throw new AppError('invalid_output', `the answer does not satisfy the schema: ${violations.slice(0, listedViolations).join('; ')}`)
}
