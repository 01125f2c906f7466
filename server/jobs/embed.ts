import type { EmbedRequest } from '#contracts/chat.ts'
import type { Engine } from '../engines/engine.ts'
import { AppError } from '../errors.ts'
import type { JobContext } from './chat.ts'

/** Texts to vectors. */
export async function runEmbed(engine: Engine, request: EmbedRequest, { signal, emit }: JobContext): Promise<void> {
  if (engine.embed === undefined) {
    throw new AppError('unsupported_feature', `${request.model} makes no embeddings: name an embedding model`, { param: 'model' })
  }
  for await (const event of engine.embed(request, signal)) emit(event)
}
