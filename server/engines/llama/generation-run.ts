import type { EngineEvent } from '#contracts/event.ts'
import type { Answer } from './answer.ts'

/** What the answers of one request share. */
export type Run = {
  signal: AbortSignal
  emit(event: EngineEvent): void
  answers: Answer[]
  /** The first slot was found, or nobody waits for one any more. */
  begin(): void
  evaluated(promptTokens: number, cachedTokens: number): void
  /** Resolves when the prompt has been evaluated, or never will be. */
  firstToken: Promise<void>
  hasFirstToken(): void
  promptMs: number | undefined
  generationMs: number
  end(): void
}

/** `emit` gets the start and the end of the generation, and all between. */
export function createRun(model: string, signal: AbortSignal, emit: (event: EngineEvent) => void): Run {
  let hasBegun = false
  let prompt: { promptTokens: number; cachedTokens: number } | undefined
  const { promise: firstToken, resolve: hasFirstToken } = Promise.withResolvers<void>()
  return {
    signal,
    emit,
    firstToken,
    hasFirstToken,
    answers: [],
    promptMs: undefined,
    generationMs: 0,
    begin() {
      if (!hasBegun) emit({ type: 'generation-start', model })
      hasBegun = true
    },
    evaluated(promptTokens, cachedTokens) {
      // Counted once, however many answers there are.
      prompt ??= { promptTokens, cachedTokens }
    },
    end() {
      const sum = (pick: (answer: Answer) => number) => this.answers.reduce((total, answer) => total + pick(answer), 0)
      emit({
        type: 'generation-end',
        usage: {
          promptTokens: prompt?.promptTokens ?? 0,
          cachedTokens: prompt?.cachedTokens ?? 0,
          completionTokens: sum((answer) => answer.completionTokens),
          reasoningTokens: sum((answer) => answer.reasoningTokens)
        },
        timings: { promptMs: this.promptMs ?? 0, generationMs: this.generationMs }
      })
    }
  }
}
