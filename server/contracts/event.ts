import { z } from 'zod'
import { ErrorCode } from './error.ts'

/** Tokens. `cachedTokens` of `promptTokens` were already in the KV cache and not evaluated again; `reasoningTokens` are part of `completionTokens`. */
export const Usage = z.object({
  promptTokens: z.int().min(0),
  cachedTokens: z.int().min(0),
  completionTokens: z.int().min(0),
  reasoningTokens: z.int().min(0)
})
export type Usage = z.infer<typeof Usage>

/** Milliseconds inside the engine: evaluating the prompt, and generating after the first token. */
export const Timings = z.object({ promptMs: z.number(), generationMs: z.number() })
export type Timings = z.infer<typeof Timings>

/** `bytes`: the token's UTF-8 bytes, because one token may be a part of a character. `logprob` is natural. */
export const TokenLogprob = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int()),
  top: z.array(z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) }))
})
export type TokenLogprob = z.infer<typeof TokenLogprob>

/** `cancelled`: its reader left or it was aborted; the text up to there is valid. */
export const FinishReason = z.enum(['stop', 'length', 'tool-calls', 'cancelled'])
export type FinishReason = z.infer<typeof FinishReason>

const index = z.int().min(0)

const generationStart = z.object({ type: z.literal('generation-start'), model: z.string() })
const sequenceStart = z.object({ type: z.literal('sequence-start'), index })
const textDelta = z.object({ type: z.literal('text-delta'), index, text: z.string(), logprobs: z.array(TokenLogprob).optional() })
const reasoningDelta = z.object({ type: z.literal('reasoning-delta'), index, text: z.string() })
/** First delta of a call carries `id` and `name`; `callIndex` counts the calls of one sequence. */
const toolCallDelta = z.object({
  type: z.literal('tool-call-delta'),
  index,
  callIndex: z.int().min(0),
  id: z.string().optional(),
  name: z.string().optional(),
  argumentsText: z.string()
})
const sequenceEnd = z.object({ type: z.literal('sequence-end'), index, finishReason: FinishReason })
const generationEnd = z.object({ type: z.literal('generation-end'), usage: Usage, timings: Timings })
/** `vector` is base64 of little-endian 32-bit floats, normalised to length 1. */
const embedding = z.object({ type: z.literal('embedding'), index, vector: z.string() })
/** Something the caller asked for was not done as asked. */
const warning = z.object({ type: z.literal('warning'), message: z.string() })
const errorEvent = z.object({
  type: z.literal('error'),
  code: ErrorCode,
  message: z.string(),
  retryable: z.boolean(),
  param: z.string().optional(),
  retryAfter: z.number().optional()
})
/** `position` counts from 1: how many jobs, this one included, wait in its queue up to it. `reason`: why its model cannot be served yet. */
const jobQueued = z.object({
  type: z.literal('job-queued'),
  position: z.int().min(1),
  etaMs: z.int().min(0).nullable(),
  reason: z.string().optional()
})
const modelLoad = z.object({ type: z.literal('model-load'), percent: z.int().min(0).max(100) })

const engineEvents = [
  generationStart,
  sequenceStart,
  textDelta,
  reasoningDelta,
  toolCallDelta,
  sequenceEnd,
  generationEnd,
  embedding,
  warning
] as const

/** What an engine yields. */
export const EngineEvent = z.discriminatedUnion('type', engineEvents)
export type EngineEvent = z.infer<typeof EngineEvent>

/** What a caller sees: an engine's events, the waiting before them, and errors. Exactly one `generation-end` or `error` is the last event of a job. */
export const JobEvent = z.discriminatedUnion('type', [...engineEvents, errorEvent, jobQueued, modelLoad])
export type JobEvent = z.infer<typeof JobEvent>

/**
 * An event on the wire of our own dialect: `seq` counts from 0 without gaps within a job. `job-queued` and `model-load` only tell how the waiting
 * goes: they are not kept, are not counted, and carry seq -1.
 */
export type SequencedEvent = JobEvent & { jobId: string; seq: number }

/** Whether this event ends its job. */
export function isLastEvent(event: JobEvent): boolean {
  return event.type === 'generation-end' || event.type === 'error'
}
