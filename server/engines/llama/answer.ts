import type { EngineEvent, FinishReason, TokenLogprob } from '#contracts/event.ts'
import type { AnswerParser, ParsedPiece } from './answer-parser.ts'
import type { TokenChances } from './decoder.ts'
import type { Vocabulary } from './vocabulary.ts'

/** One answer of a request: takes tokens, makes events. */
export type Answer = {
  /** False: the answer is complete. */
  take(token: number, chances: TokenChances | undefined): boolean
  /** Gives out what was held back, and the end of the sequence. Called once. */
  finish(isCancelled: boolean): void
  readonly text: string
  /** Those given out so far; the arguments as JSON text. */
  readonly calls: readonly { name: string; argumentsText: string }[]
  readonly finishReason: FinishReason | undefined
  readonly completionTokens: number
  readonly reasoningTokens: number
}

export type AnswerOptions = {
  index: number
  vocabulary: Vocabulary
  parser: AnswerParser
  /** Control tokens that belong to the text, because tags of calls or reasoning are made of them. */
  isShown: (text: string) => boolean
  /** Tokens at most. */
  budget: number
  withLogprobs: boolean
  /** The answer is held to be calls: text is the beginning of one that a limit tore off, and dropped. */
  onlyCalls: boolean
  /** Reasoning is wanted as events; otherwise what the parser splits off is dropped. */
  emitsReasoning: boolean
  emit: (event: EngineEvent) => void
}

export function createAnswer(options: AnswerOptions): Answer {
  const { index, vocabulary, parser, isShown, emit } = options
  // Holds back the bytes of a character until it is whole.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  let completionTokens = 0
  let reasoningTokens = 0
  const calls: { name: string; argumentsText: string }[] = []
  let isReasoning = false
  let finishReason: FinishReason | undefined
  let logprobs: { entry: TokenLogprob; length: number }[] = []

  /** Whether the answer goes on. */
  function emitPieces(pieces: ParsedPiece[]): boolean {
    for (const piece of pieces) {
      switch (piece.type) {
        case 'text':
          isReasoning = false
          if (options.onlyCalls) break
          text += piece.text
          emit(
            options.withLogprobs
              ? { type: 'text-delta', index, text: piece.text, logprobs: takeLogprobs(pieces, piece.text) }
              : { type: 'text-delta', index, text: piece.text }
          )
          break
        case 'reasoning':
          isReasoning = true
          logprobs = []
          if (options.emitsReasoning) emit({ type: 'reasoning-delta', index, text: piece.text })
          break
        case 'tool-call': {
          isReasoning = false
          logprobs = []
          const { type: _, ...rest } = piece
          if (piece.name !== undefined) calls.push({ name: piece.name, argumentsText: '' })
          const call = calls[piece.callIndex]
          if (call !== undefined) call.argumentsText += piece.argumentsText
          emit({ type: 'tool-call-delta', index, ...rest })
          break
        }
        case 'stop':
          finishReason = 'stop'
          return false
      }
    }
    return true
  }

  /** Those of the text given out; with a stop string behind it, only the tokens before the match. */
  function takeLogprobs(pieces: ParsedPiece[], given: string): TokenLogprob[] {
    const isCut = pieces.at(-1)?.type === 'stop'
    const taken: TokenLogprob[] = []
    let length = 0
    for (const { entry, length: own } of logprobs) {
      length += own
      if (isCut && length > given.length) break
      taken.push(entry)
    }
    logprobs = []
    return taken
  }

  return {
    take(token, chances) {
      if (vocabulary.isEnd(token)) {
        finishReason = 'stop'
        return false
      }
      completionTokens++
      const bytes = vocabulary.bytes(token, isShown)
      if (chances !== undefined) {
        const entry = toTokenLogprob(vocabulary, token, chances)
        logprobs.push({ entry, length: entry.token.length })
      }
      if (bytes.length > 0) {
        const decoded = decoder.decode(bytes, { stream: true })
        if (decoded !== '' && !emitPieces(parser.push(decoded))) return false
      }
      if (isReasoning) reasoningTokens++
      if (completionTokens >= options.budget) {
        finishReason = 'length'
        return false
      }
      return true
    },
    finish(isCancelled) {
      if (isCancelled) finishReason = 'cancelled'
      // A stop string that is complete only now (two of them began alike) still cuts.
      if (finishReason !== undefined) emitPieces(parser.end(finishReason === 'length'))
      if (calls.length > 0 && finishReason === 'stop') finishReason = 'tool-calls'
      finishReason ??= 'stop'
      emit({ type: 'sequence-end', index, finishReason })
    },
    get text() {
      return text
    },
    get calls() {
      return calls
    },
    get finishReason() {
      return finishReason
    },
    get completionTokens() {
      return completionTokens
    },
    get reasoningTokens() {
      return reasoningTokens
    }
  }
}

const pieceDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

function toTokenLogprob(vocabulary: Vocabulary, token: number, chances: TokenChances): TokenLogprob {
  const describe = (id: number, logprob: number) => {
    // Shown in full, also what the answer leaves out: an end token is an alternative like any other.
    const bytes = vocabulary.bytes(id, () => true)
    return { token: pieceDecoder.decode(bytes), logprob: Math.min(0, Math.max(logprob, lowestLogprob)), bytes: Array.from(bytes) }
  }
  return { ...describe(token, chances.logprob), top: chances.top.map((alternative) => describe(alternative.token, alternative.logprob)) }
}

/** JSON knows no infinity; OpenAI writes this for "as good as never". */
const lowestLogprob = -9999
