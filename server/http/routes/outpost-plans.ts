import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type {
  Abortion,
  Decision,
  DeliveriesQuery,
  NewProject,
  NewWebhook,
  PlansQuery,
  planEndpoints,
  Registration,
  Settlement
} from '#contracts/plan-api.ts'
import { AppError } from '../../errors.ts'
import { toPddl } from '../../plans/grounding/pddl.ts'
import { toGraph } from '../../plans/views/graph.ts'
import { toTimeline } from '../../plans/views/timeline.ts'
import { audit } from '../audit.ts'
import { projectOf } from '../plan-project.ts'
import type { RouteContext } from './context.ts'
import { followPlan } from './follow-plan.ts'
import { toolboxHandlers } from './outpost-toolboxes.ts'
import { runPlan } from './run-plan.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** The plan engine in our own dialect: the table of `contracts/plan-api.ts`. Bodies, queries and parameters were parsed by the routes' schemas. */
export function planHandlers(context: RouteContext): Record<keyof typeof planEndpoints, Handler> {
  const { plans, keys, log } = context.services
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id
  const projectFor = (request: FastifyRequest) => projectOf(plans, request.client, (request.query as { project?: string }).project)
  const noted = (request: FastifyRequest, action: string, details: Record<string, unknown>) => audit(log, request.client, action, details)

  return {
    runPlan: (request, reply) => runPlan(context, request, reply, projectFor(request)),
    plans(request) {
      const { status, limit, before } = request.query as z.output<typeof PlansQuery>
      return plans.plans.list(projectFor(request), {
        limit,
        ...(status === undefined ? {} : { status }),
        ...(before === undefined ? {} : { before })
      })
    },
    plan(request) {
      const { record, events, services } = plans.plans.inspect(projectFor(request), idOf(request))
      return { plan: record, events, services }
    },
    followPlan: (request, reply) => followPlan(context, request, reply, projectFor(request)),
    planGraph: (request) => toGraph(plans.plans.inspect(projectFor(request), idOf(request)), Date.now()),
    planPddl(request) {
      const project = projectFor(request)
      const { record } = plans.plans.inspect(project, idOf(request))
      const domain = plans.groundings.list(project).find(({ name }) => record.grounding?.startsWith(`${name}@`) === true)?.domain
      const pddl = record.plan === null ? undefined : toPddl({ projectId: project, domain, plan: record.plan })
      if (pddl === undefined) {
        const why = record.plan === null ? 'no plan came out of this action' : 'no grounding applied to it, or that grounding is gone'
        throw new AppError('not_found', `there is no PDDL of the plan ${record.id}: ${why}`)
      }
      return pddl
    },
    planTimeline: (request) => toTimeline(plans.plans.inspect(projectFor(request), idOf(request)), Date.now()),
    planAttempts: (request) => ({ attempts: plans.plans.attempts(projectFor(request), idOf(request)) }),
    abortPlan(request) {
      const { reason } = request.body as z.output<typeof Abortion>
      const plan = plans.plans.abort(projectFor(request), idOf(request), request.client.id, reason)
      noted(request, 'abort plan', { plan: plan.id })
      return { plan }
    },
    decideTask(request) {
      const { task, approved, note } = request.body as Decision
      const decision = { approved, by: request.client.id, ...(note === undefined ? {} : { note }) }
      const plan = plans.plans.decide(projectFor(request), idOf(request), task, decision)
      noted(request, approved ? 'approve task' : 'refuse task', { plan: plan.id, task })
      return { plan }
    },

    services: (request) => ({ services: plans.services.list(projectFor(request)) }),
    registerService(request, reply) {
      const { kind, schema, ...registration } = request.body as Registration
      const service = plans.services.register(projectFor(request), kind, {
        ...registration,
        schema: { input: schema.input, output: schema.output }
      })
      return reply.code(201).send({ service })
    },
    service: (request) => ({ service: plans.services.find(projectFor(request), idOf(request)) }),
    removeService(request) {
      const { id } = plans.services.find(projectFor(request), idOf(request))
      plans.services.remove(projectFor(request), id)
      noted(request, 'remove service', { id })
      return { removed: true, id }
    },

    ...toolboxHandlers(context),

    groundings: (request) => ({ groundings: plans.groundings.list(projectFor(request)) }),
    applyGrounding(request, reply) {
      const grounding = plans.groundings.apply(projectFor(request), request.body)
      noted(request, 'apply grounding', { name: grounding.name, version: grounding.version })
      return reply.code(201).send({ grounding })
    },
    removeGrounding(request) {
      const id = idOf(request)
      if (!plans.groundings.remove(projectFor(request), id)) {
        throw new AppError('not_found', `there is no grounding ${JSON.stringify(id)}; GET /outpost/groundings lists those there are`)
      }
      noted(request, 'remove grounding', { name: id })
      return { removed: true, id }
    },

    webhooks: (request) => ({ webhooks: plans.webhooks.list(projectFor(request)) }),
    addWebhook(request, reply) {
      const { kind, url } = request.body as NewWebhook
      const added = plans.webhooks.add(projectFor(request), kind, url)
      noted(request, 'add webhook', { id: added.webhook.id, kind })
      return reply.code(201).send(added)
    },
    removeWebhook(request) {
      const id = idOf(request)
      plans.webhooks.remove(projectFor(request), id)
      noted(request, 'remove webhook', { id })
      return { removed: true, id }
    },
    deliveries(request) {
      const { plan, limit } = request.query as z.output<typeof DeliveriesQuery>
      return { deliveries: plans.webhooks.deliveries(projectFor(request), { limit, ...(plan === undefined ? {} : { planId: plan }) }) }
    },
    redeliver(request, reply) {
      const id = idOf(request)
      plans.webhooks.redeliver(projectFor(request), id)
      return reply.code(202).send({ accepted: true, id })
    },

    compensationFailures: (request) => ({ failures: plans.compensationFailures.list(projectFor(request)) }),
    compensationFailure: (request) => ({ failure: plans.compensationFailures.find(projectFor(request), idOf(request)) }),
    settleCompensation(request) {
      const { resolution, reason } = request.body as Settlement
      const failure = plans.compensationFailures.settle(projectFor(request), idOf(request), resolution, reason)
      noted(request, 'settle compensation', { id: failure.id, resolution })
      return { failure }
    },

    planCache: (request) => ({ entries: plans.cache.entries(projectFor(request)) }),
    clearPlanCache(request) {
      const cleared = plans.cache.clear(projectFor(request))
      noted(request, 'clear plan cache', { cleared })
      return { cleared }
    },

    projects: () => ({ projects: plans.projects.list(), own: plans.projects.own.id }),
    createProject(request, reply) {
      const { name } = request.body as z.output<typeof NewProject>
      const project = plans.projects.create(name)
      const fresh = keys.create({ name: name.slice(0, 100), role: 'project', lane: 'planning', project: project.id })
      noted(request, 'create project', { project: project.id, key: fresh.key.id })
      return reply.code(201).send({ project, ...fresh })
    }
  }
}
