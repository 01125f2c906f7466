import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  type Endpoint,
  type EndpointName,
  endpoints,
  type FitQuery,
  type QueueReply,
  type ServerStatus,
  type UsageQuery,
  type UsageReply
} from '#contracts/api.ts'
import type { NewKey } from '#contracts/key.ts'
import { AppError } from '../../errors.ts'
import { version } from '../../version.ts'
import { errorReplies, jobStatuses, jsonReply, streamReply } from '../replies.ts'
import type { RouteContext } from './context.ts'
import { cancelJob, followJob, isOverseer, startChat } from './outpost-jobs.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** How long an order like "pull" is watched for failing at once; from then on its fate is seen in the model's state. */
const watchMs = 1000

/** Our own dialect, under `/outpost`: exactly the table of `contracts/api.ts`. */
export function registerOutpost(app: FastifyInstance, context: RouteContext): void {
  const { services } = context
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id // The route's schema parsed it.
  const order =
    (verb: 'pull' | 'load' | 'unload'): Handler =>
    async (request, reply) => {
      const model = services.models.resolve(idOf(request)).id
      const done = services.models[verb](model)
      await failedSoon(done, (error) =>
        services.log.warn({ model, verb, code: error instanceof AppError ? error.code : 'internal_error' }, 'order failed')
      )
      return reply.code(202).send({ accepted: true, model })
    }

  const handlers: Record<EndpointName, Handler> = {
    chat: (request, reply) => startChat(context, request, reply),
    followJob: (request, reply) => followJob(context, request, reply),
    cancelJob: (request) => cancelJob(context, request),
    status: (request): ServerStatus => {
      const reason = services.notReady()
      return {
        version,
        ready: reason === undefined,
        reason: reason === undefined ? null : { code: reason.code, message: reason.message },
        uptime: process.uptime(),
        client: request.client,
        models: services.models.list()
      }
    },
    queue: async (request): Promise<QueueReply> => {
      const queues = await services.jobs.queues()
      const sees = (clientId: string) => isOverseer(request.client) || clientId === request.client.id
      return { queues: queues.map((queue) => ({ ...queue, jobs: queue.jobs.filter(({ clientId }) => sees(clientId)) })) }
    },
    models: () => ({ models: services.models.list() }),
    describeModel: async (request) => {
      const model = services.models.resolve(idOf(request)).id
      return { model, description: await services.models.describe(model) }
    },
    fitModel: async (request) => {
      const model = services.models.resolve(idOf(request)).id
      const { context: contextWindow, slots, cache: cacheType } = request.query as z.infer<typeof FitQuery> // The route's schema parsed it.
      return { model, ...(await services.models.fit(model, { contextWindow, slots, cacheType })) }
    },
    pullModel: order('pull'),
    loadModel: order('load'),
    unloadModel: order('unload'),
    keys: () => ({ keys: services.keys.list() }),
    createKey: (request, reply) => reply.code(201).send(services.keys.create(request.body as NewKey)), // The route's schema parsed it.
    revokeKey: (request) => ({ key: services.keys.revoke(idOf(request)) }),
    rotateKey: (request) => services.keys.rotate(idOf(request)),
    usage: (request): UsageReply => {
      const { by, from, to, limit, before } = request.query as z.infer<typeof UsageQuery> // The route's schema parsed it.
      if (by === 'request') return { by, groups: [], rows: services.usage.rows({ limit, before }) }
      return { by, groups: services.usage.summary({ by, from, to }), rows: [] }
    }
  }

  for (const [name, endpoint] of Object.entries(endpoints) as [EndpointName, Endpoint][]) {
    app.route({ method: endpoint.method, url: endpoint.path, schema: { operationId: name, ...schemaOf(endpoint) }, handler: handlers[name] })
  }
}

function schemaOf(endpoint: Endpoint) {
  const runsJob = endpoint.reply === 'events'
  const more = [
    ...(runsJob ? jobStatuses : []),
    ...(endpoint.params === undefined ? [] : [404, 409, 503, 507]),
    ...(endpoint.path === '/outpost/queue' ? [503] : [])
  ]
  return {
    summary: endpoint.summary,
    tags: ['Outpost'],
    ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
    ...(endpoint.query === undefined ? {} : { querystring: endpoint.query }),
    ...(endpoint.body === undefined ? {} : { body: endpoint.body }),
    response: {
      [endpoint.status ?? 200]:
        endpoint.reply === 'events'
          ? streamReply('Events of the job; the last one is generation-end or error')
          : jsonReply(endpoint.summary, endpoint.reply),
      ...(endpoint.path === endpoints.followJob.path ? { 204: z.null().describe('Nothing comes after Last-Event-ID: the job has ended') } : {}),
      ...errorReplies(endpoint.method, endpoint.path, more)
    }
  }
}

/** Waits for an order until it is done or clearly under way. Throws when it fails in that time; a later failure goes to `late`. */
async function failedSoon(done: Promise<void>, late: (error: unknown) => void): Promise<void> {
  const watch = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    done.catch(late)
    watch.resolve()
  }, watchMs)
  try {
    await Promise.race([done, watch.promise])
  } finally {
    clearTimeout(timer)
  }
}
