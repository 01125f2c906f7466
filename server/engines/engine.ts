import type { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import type { EngineEvent } from '#contracts/event.ts'

/** What the loaded model is and can do; shown in /v1/models and used to refuse requests before they queue. */
export type EngineDescription = {
  /** Tokens. */
  contextWindow: number
  /** Requests that run at the same time. */
  slots: number
  /** Present: the model makes embeddings of this many values. */
  embeddingDimensions?: number
  /** GPU layers, threads and the like, for people. */
  details: Record<string, string | number>
}

/**
 * A loaded model. Contract, proved for each engine by `test/engines/conformance.ts`:
 * - `chat` yields `generation-start`, then for each of `n` sequences `sequence-start` … deltas … `sequence-end`, then one `generation-end`.
 * - It throws `AppError` (bad request: before the first event), never logs prompts, never retries, never knows HTTP.
 * - An aborted signal ends it at the next token: open sequences end as `cancelled`, `generation-end` still reports the usage.
 * - Calls beyond `slots` wait inside the engine in the order they came.
 */
export interface Engine {
  readonly id: string
  readonly description: EngineDescription
  chat(request: ChatRequest, signal: AbortSignal): AsyncIterable<EngineEvent>
  /** Yields `generation-start`, one `embedding` per input in order, `generation-end`. Absent: the model makes no embeddings. */
  embed?(request: EmbedRequest, signal: AbortSignal): AsyncIterable<EngineEvent>
  [Symbol.asyncDispose](): Promise<void>
}
