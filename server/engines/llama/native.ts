import type { Llama, LlamaContext, LlamaGrammarEvaluationState, LlamaModel } from 'node-llama-cpp'
import { AppError } from '../../errors.ts'

/**
 * The part of node-llama-cpp below `sequence.evaluate()`: one batch, one decode, one sampler a sequence.
 * We drive it ourselves because the library's dispatcher starts a step as soon as the first sequence asks, in the order they ask, and
 * llama.cpp splits a batch wherever sequence ids do not rise by one: eight streams ran as batches of 3, 2 and 1
 * (docs/decisions: llama decode loop). None of this may be called while a decode runs.
 */
export type NativeContext = {
  initBatch(tokens: number): void
  /** Answers the place of each wanted logit in the batch. */
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logits: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  /** The chosen token, −1 when nothing is left to choose from. */
  sampleToken(logit: number, sampler: NativeSampler): Promise<number>
  sampleToken(
    logit: number,
    sampler: NativeSampler,
    probabilities: false,
    confidence: false,
    logits: [tokens: number[], highest: false, lowest: false, selected: true, top: number],
    totalWeight: true
  ): Promise<[token: number, unused1: unknown, unused2: unknown, logits: number[], totalWeight: number]>
  disposeSequence(sequence: number): void
  /** `to` then holds what `from` holds. Answers the last position. */
  copySequenceStateFromOtherSequence(to: number, from: number): Promise<number>
  /** Forgets positions from `start` up to `end` (−1: all). False: this kind of model cannot. */
  removeTokenCellsFromSequence(sequence: number, start: number, end: number): boolean
  getSequenceKvCacheMinPosition(sequence: number): number
  setThreads(threads: number): void
}

export type NativeSamplerConfig = {
  /** Absent: greedy. */
  temperature?: number
  topK?: number
  topP?: number
  minP?: number
  seed?: number
  xtcProbability?: number
  xtcThreshold?: number
  /** Must be there for any of the three penalties to act. */
  repeatPenaltyTokens?: Uint32Array
  repeatPenaltyMaxTokens?: number
  repeatPenalty?: number
  repeatPenaltyPresencePenalty?: number
  repeatPenaltyFrequencyPenalty?: number
  dryRepeatPenaltyStrength?: number
  dryRepeatPenaltyBase?: number
  dryRepeatPenaltyAllowedLength?: number
  dryRepeatPenaltyLastTokens?: number
  dryRepeatPenaltySequenceBreakers?: string[]
  tokenBiasKeys?: Uint32Array
  tokenBiasValues?: Float32Array
  grammarEvaluationState?: NativeGrammarState
}

declare const grammarState: unique symbol
export type NativeGrammarState = { readonly [grammarState]: true }

export type NativeSampler = { applyConfig(config: NativeSamplerConfig): void; dispose(): void }

type NativeModel = {
  tokenize(text: string, special: boolean): Uint32Array
  detokenize(tokens: Uint32Array, special: boolean): string
  getTokenString(token: number): string
}

type Bindings = {
  AddonSampler: {
    new (model: NativeModel): NativeSampler
    acceptGrammarEvaluationStateToken(state: NativeGrammarState, token: number): void
    canBeNextTokenForGrammarEvaluationState(state: NativeGrammarState, token: number): boolean
  }
}

export type Native = {
  context: NativeContext
  model: NativeModel
  createSampler(config: NativeSamplerConfig): NativeSampler
  /** Whether a grammar allows this token next. */
  canAccept(state: NativeGrammarState, token: number): boolean
  /** Tells a grammar a token that was chosen before the grammar was there. */
  acceptToken(state: NativeGrammarState, token: number): void
}

/** Everything in here is `@internal` in the library, hence the casts; its version is pinned, and a change in shape is seen here, at load. */
export function openNative(llama: Llama, model: LlamaModel, context: LlamaContext): Native {
  const bindings = (llama as unknown as { _bindings?: Bindings })._bindings
  const nativeModel = (model as unknown as { _model?: NativeModel })._model
  const nativeContext = (context as unknown as { _ctx?: NativeContext })._ctx
  if (
    typeof bindings?.AddonSampler !== 'function' ||
    typeof nativeModel?.tokenize !== 'function' ||
    typeof nativeContext?.decodeBatch !== 'function'
  ) {
    throw new AppError('engine_failed', 'this version of node-llama-cpp is not the one the engine was made for; install the one in package-lock.json')
  }
  const { AddonSampler } = bindings
  return {
    context: nativeContext,
    model: nativeModel,
    createSampler(config) {
      const sampler = new AddonSampler(nativeModel)
      sampler.applyConfig(config)
      return sampler
    },
    canAccept: (state, token) => AddonSampler.canBeNextTokenForGrammarEvaluationState(state, token),
    acceptToken: (state, token) => AddonSampler.acceptGrammarEvaluationStateToken(state, token)
  }
}

/** The native state behind the library's object, for a sampler's config. */
export function nativeGrammarState(state: LlamaGrammarEvaluationState): NativeGrammarState {
  return (state as unknown as { _state: NativeGrammarState })._state
}
