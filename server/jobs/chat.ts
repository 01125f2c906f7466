import type { ChatRequest } from '#contracts/chat.ts'
import type { EngineEvent } from '#contracts/event.ts'
import type { Engine } from '../engines/engine.ts'

/** Where a handler's events go, and what stops it. */
export type JobContext = { signal: AbortSignal; emit: (event: EngineEvent) => void }

/** A chat or completion: the engine's events are the answer. */
export async function runChat(engine: Engine, request: ChatRequest, { signal, emit }: JobContext): Promise<void> {
  for await (const event of engine.chat(request, signal)) emit(event)
}
