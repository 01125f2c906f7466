import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { collectJob } from '../collect-job.ts'
import { laneFor } from '../wire/fields.ts'
import { type EmbeddingsBody, type EmbeddingsReply, toEmbeddingsReply, toEmbedRequest } from '../wire/openai-embeddings.ts'
import { type RouteContext, resolveModel, setJobHeaders, submissionOf } from './context.ts'

/** `POST /v1/embeddings`. */
export async function embeddings(context: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<EmbeddingsReply> {
  const body = request.body as EmbeddingsBody // The route's schema parsed it.
  const model = resolveModel(context.services, body.model, 'embedding')
  if (body.dimensions != null && model.dimensions !== null && body.dimensions > model.dimensions) {
    throw new AppError('invalid_request', `dimensions must be at most ${model.dimensions} for ${model.id}, got ${body.dimensions}`, {
      param: 'dimensions'
    })
  }
  const vectors: string[] = []
  const warnings: string[] = []
  let promptTokens = 0
  const { queueMs } = await collectJob({
    ...context,
    reply,
    submission: {
      ...submissionOf(request, { lane: laneFor(request.client, body.service_tier), priority: body.priority }),
      kind: 'embed',
      request: toEmbedRequest(body, model.id)
    },
    onEvent: (event) => {
      if (event.type === 'embedding') vectors[event.index] = event.vector
      else if (event.type === 'generation-end') promptTokens = event.usage.promptTokens
      else if (event.type === 'warning') warnings.push(event.message)
    }
  })
  setJobHeaders(reply, { queueMs, cachedTokens: 0, warnings })
  return toEmbeddingsReply(vectors, { model: model.id, promptTokens, base64: body.encoding_format === 'base64' })
}
