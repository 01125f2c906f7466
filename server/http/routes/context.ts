import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Lane } from '#contracts/job.ts'
import type { ModelKind, ModelStatus } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import type { Readers } from '../readers.ts'
import type { HttpServices, Submission } from '../services.ts'

/** What routes that run jobs are given. */
export type RouteContext = { services: HttpServices; readers: Readers }

/** A request's part of a submission that is the same for every kind of job. */
export function submissionOf(
  request: FastifyRequest,
  options: { lane: Lane; priority: number | null | undefined; detached?: boolean }
): Pick<Submission, 'client' | 'lane' | 'priority' | 'requestId' | 'detached'> {
  return { client: request.client, lane: options.lane, priority: options.priority ?? 0, requestId: request.id, detached: options.detached ?? false }
}

/** Throws `model_not_found`, or `unsupported_feature` for a model of the other kind. */
export function resolveModel(services: HttpServices, name: string, kind: ModelKind): ModelStatus {
  const model = services.models.resolve(name)
  if (model.kind !== kind) {
    const advice =
      model.kind === 'rerank'
        ? 'it puts documents in order, and this version has no endpoint for that'
        : kind === 'chat'
          ? 'it only makes embeddings; send it to /v1/embeddings or choose a chat model'
          : 'it makes no embeddings; choose an embedding model'
    throw new AppError('unsupported_feature', `the model ${model.id} cannot do this: ${advice}`, { param: 'model' })
  }
  return model
}

/** Headers of an answer in one piece. */
export function setJobHeaders(reply: FastifyReply, facts: { queueMs: number | undefined; cachedTokens: number; warnings: string[] }): void {
  if (facts.queueMs !== undefined) reply.header('x-outpost-queue-ms', String(facts.queueMs))
  reply.header('x-outpost-cached-tokens', String(facts.cachedTokens))
  // Header values are limited to Latin text without line ends.
  if (facts.warnings.length > 0)
    reply.header(
      'x-outpost-warning',
      facts.warnings
        .join('; ')
        .replace(/[^\x20-\x7e]+/g, ' ')
        .slice(0, 1000)
    )
}
