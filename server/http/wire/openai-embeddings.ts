import { z } from 'zod'
import type { EmbedRequest } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'
import { modelName, priority, serviceTier, wholeNumberBetween } from './fields.ts'

const text = z.string().min(1, 'must not be empty')
/** Checked in the mapper, which can tell tokens from mistakes. */
const anyText = z.unknown().meta({ type: 'string', minLength: 1 })
const inputRule = 'must be a text or an array of texts'

/** Body of `POST /v1/embeddings`. Token arrays are refused by name in the mapper. */
export const EmbeddingsBody = z.looseObject({
  model: modelName,
  input: z.union([text, z.array(anyText).min(1, 'must have at least 1 text').max(2048, 'must have at most 2048 texts')], inputRule),
  encoding_format: z.enum(['float', 'base64'], 'must be "float" or "base64"').nullish(),
  dimensions: wholeNumberBetween(1, 65_536),
  service_tier: serviceTier,
  priority
})
export type EmbeddingsBody = z.infer<typeof EmbeddingsBody>

export const EmbeddingsReply = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ object: z.literal('embedding'), index: z.int(), embedding: z.union([z.array(z.number()), z.string()]) })),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() })
})
export type EmbeddingsReply = z.infer<typeof EmbeddingsReply>

export function toEmbedRequest(body: EmbeddingsBody, model: string): EmbedRequest {
  const input = typeof body.input === 'string' ? [body.input] : body.input.map(toText)
  return { model, input, ...(body.dimensions == null ? {} : { dimensions: body.dimensions }) }
}

function toText(entry: unknown, i: number): string {
  const param = `input.${i}`
  if (typeof entry === 'number' || Array.isArray(entry)) {
    throw new AppError('unsupported_feature', `${param} must be a text, got tokens; their numbers differ from model to model, so send the text`, {
      param
    })
  }
  if (typeof entry !== 'string' || entry === '') {
    throw new AppError('invalid_request', `${param} must be a text that is not empty`, { param })
  }
  return entry
}

/** Vectors are base64 of little-endian 32-bit floats, as the engine made them. */
export function toEmbeddingsReply(vectors: string[], options: { model: string; promptTokens: number; base64: boolean }): EmbeddingsReply {
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: options.base64 ? vector : toFloats(vector) })),
    model: options.model,
    usage: { prompt_tokens: options.promptTokens, total_tokens: options.promptTokens }
  }
}

function toFloats(vector: string): number[] {
  const bytes = Buffer.from(vector, 'base64')
  const floats: number[] = []
  for (let offset = 0; offset + 4 <= bytes.length; offset += 4) floats.push(bytes.readFloatLE(offset))
  return floats
}
