import { AppError, toAppError } from '../../errors.ts'
import type { Native, NativeSampler } from './native.ts'
import { createPrefillShare, planStep } from './plan-step.ts'
import { createSlotCache } from './slot-cache.ts'
import type { Slot } from './slots.ts'
import type { ThreadController } from './threads.ts'

/** The model's own probabilities for one token, before any sampling setting. Natural logarithms. */
export type TokenChances = { logprob: number; top: { token: number; logprob: number }[] }

/** What the decoder is asked to run in a slot. Its callbacks are called between steps. */
export type DecodeTask = {
  slot: Slot
  prompt: number[]
  sampler: NativeSampler
  /** How many alternatives to report with each token; undefined: no chances. */
  chances: number | undefined
  /** The prompt's evaluation begins; so many of its tokens were cached. */
  onStart(cachedTokens: number): void
  /** A token was chosen. False ends the task; the token is then not evaluated. */
  onToken(token: number, chances: TokenChances | undefined): boolean
  /** The slot is free again: after `false`, after `cancel` (both undefined) or on a failure. Always the last call. */
  onEnd(error: AppError | undefined): void
}

export type Decoder = {
  /** Begins with the next step. The returned function ends the task at the next token. */
  start(task: DecodeTask): () => void
  /** Resolves when no step runs and none will. Running tasks end with `error`. */
  close(error: AppError): Promise<void>
}

type Running = DecodeTask & { pending: number[]; next: number; generating: boolean; order: number; cancelled: boolean }

const noLogits = new Uint32Array(0)
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Continuous batching: one loop, one native decode a step, and all running tasks in it, in the order of their slot ids (see `native.ts`).
 * All native calls happen in this loop, so none overlaps a decode.
 */
export function createDecoder(options: {
  native: Native
  slots: readonly Slot[]
  batchSize: number
  /** Tokens of the model's sliding attention window, 0 when it has none. */
  slidingWindow: number
  threads: ThreadController
}): Decoder {
  const { native, batchSize, threads } = options
  const { context } = native
  const cache = createSlotCache({ context, slots: options.slots, slidingWindow: options.slidingWindow })
  const share = createPrefillShare(batchSize)
  const neutral = native.createSampler({})
  const joining: Running[] = []
  let running: Running[] = []
  let order = 0
  let looping: Promise<void> | undefined
  let closing: AppError | undefined
  let currentThreads = 0
  let hasLeft = false

  async function join() {
    for (const task of joining.splice(0)) {
      if (task.cancelled) {
        task.onEnd(undefined)
        continue
      }
      const cached = await cache.prepare(task.slot, task.prompt)
      task.pending = task.prompt.slice(cached)
      running.push(task)
      running.sort((a, b) => a.slot.id - b.slot.id)
      task.onStart(cached)
    }
  }

  function leave(task: Running, error: AppError | undefined) {
    running = running.filter((other) => other !== task)
    hasLeft = true
    task.onEnd(error)
  }

  async function loop() {
    // Requests of the same moment share the first step.
    await nextTurn()
    while (true) {
      if (closing !== undefined) {
        for (const task of joining.splice(0)) task.onEnd(closing)
        for (const task of running) leave(task, closing)
      }
      for (const task of running) if (task.cancelled) leave(task, undefined)
      await join()
      if (running.length === 0) break
      await step()
      if (hasLeft) {
        // Whoever waited for that slot joins the next step, not the one after it.
        hasLeft = false
        await nextTurn()
      }
    }
    looping = undefined
  }

  async function step() {
    const items = running.map((task) => ({ remaining: task.pending.length - task.next, generating: task.generating, order: task.order }))
    const amounts = planStep(items, batchSize, share.tokens())
    const total = amounts.reduce((sum, amount) => sum + amount, 0)
    const sampled: { task: Running; logit: number }[] = []
    const parts: { task: Running; tokens: number[] }[] = []
    let promptTokens = 0
    let generated = 0
    const startedAt = performance.now()
    try {
      if (threads.current() !== currentThreads) {
        currentThreads = threads.current()
        context.setThreads(currentThreads)
      }
      context.initBatch(total)
      for (const [index, task] of running.entries()) {
        const amount = amounts[index] ?? 0
        if (amount === 0) continue
        const tokens = task.pending.slice(task.next, task.next + amount)
        const isLast = task.next + amount === task.pending.length
        const logits = context.addToBatch(
          task.slot.id,
          task.slot.tokens.length,
          Uint32Array.from(tokens),
          isLast ? Uint32Array.of(amount - 1) : noLogits
        )
        parts.push({ task, tokens })
        if (isLast) sampled.push({ task, logit: logits[0] ?? 0 })
        if (task.generating) generated++
        else promptTokens += amount
      }
      await context.decodeBatch()
      const ms = performance.now() - startedAt
      if (generated === 0) share.record(promptTokens, ms)
      threads.record({ ms, generated, promptTokens })
      for (const { task, tokens } of parts) {
        if (tokens.length === 1) task.slot.tokens.push(tokens[0] ?? 0)
        else task.slot.tokens = task.slot.tokens.concat(tokens)
        task.next += tokens.length
      }
      const choices = await Promise.all(sampled.map(({ task, logit }) => choose(task, logit)))
      for (const [index, { task }] of sampled.entries()) advance(task, choices[index])
    } catch (error) {
      fail(
        parts.map(({ task }) => task),
        error
      )
    }
  }

  type Choice = { token: number; chances: TokenChances | undefined } | AppError

  async function choose(task: Running, logit: number): Promise<Choice> {
    try {
      const token = await context.sampleToken(logit, task.sampler)
      if (token < 0) return new AppError('engine_failed', 'no token was left to choose from; the settings or the grammar allow none')
      if (task.chances === undefined) return { token, chances: undefined }
      return { token, chances: await chancesOf(logit, token, task.chances) }
    } catch (error) {
      return new AppError('engine_failed', `choosing a token failed: ${(error as Error).message}`, { cause: error })
    }
  }

  async function chancesOf(logit: number, token: number, top: number): Promise<TokenChances> {
    const [, , , pairs, totalWeight] = await context.sampleToken(logit, neutral, false, false, [[token], false, false, true, Math.max(1, top)], true)
    const logits = new Map<number, number>()
    for (let index = 0; index + 1 < pairs.length; index += 2) logits.set(pairs[index] ?? 0, pairs[index + 1] ?? 0)
    const ranked = [...logits].sort((a, b) => b[1] - a[1])
    const highest = ranked[0]?.[1] ?? 0
    const toLogprob = (value: number) => value - highest - Math.log(totalWeight)
    return {
      logprob: toLogprob(logits.get(token) ?? Number.NEGATIVE_INFINITY),
      top: ranked.slice(0, top).map(([id, value]) => ({ token: id, logprob: toLogprob(value) }))
    }
  }

  function advance(task: Running, choice: Choice | undefined) {
    if (task.cancelled) return leave(task, undefined)
    if (choice === undefined || choice instanceof AppError) return leave(task, choice ?? new AppError('engine_failed', 'no token was chosen'))
    task.generating = true
    task.pending = [choice.token]
    task.next = 0
    try {
      if (!task.onToken(choice.token, choice.chances)) leave(task, undefined)
    } catch (error) {
      // One answer's bug must not end the others of this step.
      leave(task, toAppError(error, 'engine_failed'))
    }
  }

  /** After a failed decode nobody knows what the cache holds. */
  function fail(tasks: Running[], cause: unknown) {
    const error = new AppError('engine_failed', `evaluating a batch failed: ${(cause as Error).message}`, { cause })
    for (const task of tasks) {
      task.slot.tokens = []
      try {
        context.disposeSequence(task.slot.id)
      } catch {
        // The next use of this slot fails by itself and says so.
      }
      if (running.includes(task)) leave(task, error)
    }
  }

  return {
    start(task) {
      const entry: Running = { ...task, pending: [], next: 0, generating: false, order: order++, cancelled: false }
      joining.push(entry)
      looping ??= loop()
      return () => {
        entry.cancelled = true
      }
    },
    async close(error) {
      closing = error
      await looping
      for (const task of joining.splice(0)) task.onEnd(error)
      neutral.dispose()
    }
  }
}
