import type { LlamaEmbeddingContext } from 'node-llama-cpp'
import type { EmbedRequest } from '#contracts/chat.ts'
import type { EngineEvent } from '#contracts/event.ts'
import { AppError } from '../../errors.ts'

/** `embed` of the llama engine; see `Engine`. Texts are read one after the other: the addon gives out the vector of one sequence a batch. */
export function createEmbed(options: {
  context: LlamaEmbeddingContext
  /** Tokens of one text. */
  window: number
  dimensions: number
}): (request: EmbedRequest, signal: AbortSignal) => AsyncGenerator<EngineEvent, void> {
  const { context, window } = options
  // One text at a time, requests in turns, so that a long list does not keep a short one waiting.
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  return async function* embed(request, signal) {
    const dimensions = request.dimensions ?? options.dimensions
    if (dimensions > options.dimensions) {
      throw new AppError('invalid_request', `dimensions must be 1–${options.dimensions} for this model, got ${dimensions}`, { param: 'dimensions' })
    }
    const inputs = request.input.map((text, index) => {
      const tokens = context.model.tokenize(text)
      if (tokens.length === 0) {
        throw new AppError('invalid_request', `input ${index} has no text the model could read (white space, or characters it leaves out)`, {
          param: `input.${index}`
        })
      }
      const length = context.calculateInputLength(tokens)
      if (length <= window) return { tokens, length }
      throw new AppError('context_length_exceeded', `the context window is ${window} tokens, input ${index} has ${length}. Split the text`, {
        param: `input.${index}`
      })
    })
    const startedAt = performance.now()
    let promptTokens = 0
    yield { type: 'generation-start', model: request.model }
    for (const [index, { tokens, length }] of inputs.entries()) {
      if (signal.aborted) break
      const { vector } = await inTurn(() => context.getEmbeddingFor(tokens)).catch((error: unknown) => {
        throw new AppError('engine_failed', `making an embedding failed: ${(error as Error).message}`, { cause: error })
      })
      promptTokens += length
      yield { type: 'embedding', index, vector: toBase64(normalise(vector.slice(0, dimensions))) }
    }
    yield {
      type: 'generation-end',
      usage: { promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 },
      timings: { promptMs: performance.now() - startedAt, generationMs: 0 }
    }
  }
}

/** To length 1; a vector of zeros stays one. */
export function normalise(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector)
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length))
}

/** Little-endian 32-bit floats. */
export function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
