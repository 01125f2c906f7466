import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type EndpointName, endpoints, type FitQuery, type QueueReply, type ServerStatus, type UsageQuery, type UsageReply } from '#contracts/api.ts'
import type { Endpoint } from '#contracts/endpoint.ts'
import type { NewKey } from '#contracts/key.ts'
import { PlanReply } from '#contracts/plan-api.ts'
import { AppError } from '../../errors.ts'
import { version } from '../../version.ts'
import { audit } from '../audit.ts'
import { createLiveFeed } from '../live/live-feed.ts'
import { visibleQueues } from '../live/visible.ts'
import { errorReplies, jobStatuses, jsonReply, streamReply } from '../replies.ts'
import type { RouteContext } from './context.ts'
import { followLive } from './follow-live.ts'
import { sendBlob } from './outpost-blobs.ts'
import { chatHandlers } from './outpost-chats.ts'
import { cancelJob, followJob, isOverseer, startChat } from './outpost-jobs.ts'
import { planHandlers } from './outpost-plans.ts'
import { failedSoon, followPull, orderPull, stopPull } from './outpost-pulls.ts'
import { sessionHandlers } from './outpost-sessions.ts'
import { upkeepHandlers } from './outpost-upkeep.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is a file, of any type. */
    takesBytes?: true
  }
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** Our own dialect, under `/outpost`: exactly the table of `contracts/api.ts`. */
export function registerOutpost(app: FastifyInstance, context: RouteContext): void {
  const { services } = context
  const feed = createLiveFeed({
    models: services.models.list,
    pulls: () => services.models.pulls.list(),
    queues: services.jobs.queues,
    notReady: services.notReady,
    onChange: services.onChange
  })
  app.addHook('onClose', async () => feed.close())
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id // The route's schema parsed it.
  const order =
    (verb: 'pull' | 'load' | 'unload'): Handler =>
    async (request, reply) => {
      const model = services.models.resolve(idOf(request)).id
      audit(services.log, request.client, `${verb} model`, { model })
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
      return { queues: visibleQueues(queues, { client: request.client, isOverseer: isOverseer(request.client) }) }
    },
    events: (request, reply) => followLive(context, feed, request, reply),
    ...sessionHandlers(context),
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
    pulls: () => ({ pulls: services.models.pulls.list() }),
    orderPull: (request, reply) => orderPull(context, request, reply),
    stopPull: (request) => stopPull(context, request),
    followPull: (request, reply) => followPull(context, request, reply),
    blob: (request, reply) => sendBlob(context, request, reply),
    loadModel: order('load'),
    unloadModel: order('unload'),
    ...upkeepHandlers(context),
    ...planHandlers(context),
    ...chatHandlers(context),
    keys: () => ({ keys: services.keys.list() }),
    createKey(request, reply) {
      const order = request.body as NewKey // The route's schema parsed it.
      if (order.project !== undefined) services.plans.projects.find(order.project)
      const fresh = services.keys.create(order)
      audit(services.log, request.client, 'create key', { id: fresh.key.id, keyRole: fresh.key.role })
      return reply.code(201).send(fresh)
    },
    revokeKey(request) {
      const revoked = services.keys.revoke(idOf(request))
      audit(services.log, request.client, 'revoke key', { id: revoked.id })
      return { key: revoked }
    },
    rotateKey(request) {
      const fresh = services.keys.rotate(idOf(request))
      audit(services.log, request.client, 'rotate key', { id: fresh.key.id })
      return fresh
    },
    usage: (request): UsageReply => {
      const { by, from, to, limit, before } = request.query as z.infer<typeof UsageQuery> // The route's schema parsed it.
      if (by === 'request') return { by, groups: [], rows: services.usage.rows({ limit, before, from, to }) }
      return { by, groups: services.usage.summary({ by, from, to }), rows: [] }
    }
  }

  for (const [name, endpoint] of Object.entries(endpoints) as [EndpointName, Endpoint][]) {
    const route = { method: endpoint.method, url: endpoint.path, schema: { operationId: name, ...schemaOf(endpoint) }, handler: handlers[name] }
    if (endpoint.body === 'bytes') app.register(async (scope) => registerBytes(scope).route({ ...route, config: { takesBytes: true } }))
    else app.route(route)
  }
}

/** Here bodies come as they are, of any type; the handler reads them up to its own limit. */
function registerBytes(scope: FastifyInstance): FastifyInstance {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  return scope
}

function schemaOf(endpoint: Endpoint) {
  const runsJob = endpoint.reply === 'events'
  const more = [
    ...(runsJob ? jobStatuses : []),
    ...(endpoint.params === undefined ? [] : [404, 409, 503, 507]),
    ...(endpoint.path === endpoints.runPlan.path ? [409, 422, 499, 503] : []),
    ...(endpoint.path === '/outpost/queue' ? [503] : []),
    ...(endpoint.path === endpoints.addToolbox.path ? [409] : []),
    ...(endpoint.path === endpoints.orderPull.path ? [404, 409, 503, 507] : []),
    ...(endpoint.reply === 'bytes' ? [416] : [])
  ]
  return {
    summary: endpoint.summary,
    tags: ['Outpost'],
    ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
    ...(endpoint.query === undefined ? {} : { querystring: endpoint.query }),
    ...(endpoint.body === undefined || endpoint.body === 'bytes' ? {} : { body: endpoint.body }),
    response: {
      [endpoint.status ?? 200]: successOf(endpoint),
      ...(endpoint.path === endpoints.runPlan.path && endpoint.method === 'POST'
        ? { 202: jsonReply('The plan as it begins, with "async": true', PlanReply) }
        : {}),
      ...(endpoint.path === endpoints.followPlan.path ? { 204: z.null().describe('Nothing comes after Last-Event-ID: the plan is settled') } : {}),
      ...(endpoint.path === endpoints.followJob.path || endpoint.path === endpoints.followAnswer.path
        ? { 204: z.null().describe('Nothing comes after Last-Event-ID: the job has ended') }
        : {}),
      ...errorReplies(endpoint.method, endpoint.path, more)
    }
  }
}

function successOf({ reply, summary }: Endpoint): object {
  if (reply === 'events') return streamReply('Events of the job; the last one is generation-end or error')
  if (reply === 'pull-events') return streamReply('pull-progress with how it stands now; the last one is pull-end or error')
  if (reply === 'plan-events')
    return streamReply('plan-progress, plan-event and plan-status; the last one is a plan-status that is settled, or error')
  if (reply === 'live-events')
    return streamReply('reset with everything as it is now, unless Last-Event-ID is known, then what changes: model, pull, queues, plan, readiness')
  if (reply === 'bytes')
    return {
      description: 'The file, or the part that Range asked for with status 206',
      content: { 'application/octet-stream': { schema: z.string() } }
    }
  return jsonReply(summary, reply)
}
