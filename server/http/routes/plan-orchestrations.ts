import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { AppError } from '../../errors.ts'
import { mostCompensationAttempts } from '../../plans/execution/advance.ts'
import { toWireInspection } from '../../plans/views/wire-inspection.ts'
import { toWireList } from '../../plans/views/wire-list.ts'
import { toWireOrchestration } from '../../plans/views/wire-orchestration.ts'
import { projectOf } from '../plan-project.ts'
import { OrchestrationBody, toPlanOrder } from '../wire/plan-bodies.ts'
import type { RouteContext } from './context.ts'
import type { PlanRoute } from './plan-engine.ts'

/** Clients of the original know no pages, so they get as much as a list can be. */
const listed = 1000

/** Actions, and what became of them. */
export function orchestrationRoutes({ services: { plans } }: RouteContext): PlanRoute[] {
  /** Answers when the plan is made, not when it has ended: that is what webhooks are for. */
  const orchestrate = async (request: FastifyRequest): Promise<object> => {
    const order = toPlanOrder(request.body as z.output<typeof OrchestrationBody>) // The route's schema parsed it.
    const project = projectOf(plans, request.client)
    if (plans.webhooks.list(project, 'plan').length === 0) {
      throw new AppError('planning_failed', 'the project has no webhook that could be told the result; add one with POST /webhooks')
    }
    try {
      const record = await plans.run(project, request.client.id, order, request.id)
      const grounding = plans.groundings.list(project).find(({ name }) => record.grounding?.startsWith(`${name}@`) === true)
      return toWireOrchestration(record, plans.plans.servicesOf(record), grounding)
    } catch (error) {
      // The body was in order; what is not, is the project.
      if (error instanceof AppError && (error.code === 'invalid_request' || error.code === 'conflict' || error.code === 'not_found')) {
        throw new AppError('planning_failed', error.message, { cause: error })
      }
      throw error
    }
  }

  const list = (request: FastifyRequest, reply: FastifyReply): object => {
    const { limit, before } = request.query as { limit?: unknown; before?: unknown } // Fastify's own reading: texts, or lists of them.
    const size = limit === undefined ? listed : Number(limit)
    if (!Number.isInteger(size) || size < 1 || size > listed) {
      throw new AppError('invalid_request', `limit must be a whole number from 1 to ${listed}, got ${JSON.stringify(limit)}`, { param: 'limit' })
    }
    const page = plans.plans.list(projectOf(plans, request.client), { limit: size, ...(typeof before === 'string' ? { before } : {}) })
    if (page.next !== null) reply.header('link', `</orchestrations?limit=${size}&before=${encodeURIComponent(page.next)}>; rel="next"`)
    return toWireList(page.plans)
  }

  return [
    {
      method: 'POST',
      url: '/orchestrations',
      summary: 'Plan an action and start it',
      status: 202,
      rules: { failureCode: 'Orra:ActionCannotExecute' },
      body: OrchestrationBody,
      handle: orchestrate
    },
    {
      method: 'GET',
      url: '/orchestrations',
      summary: 'Plans by state, newest first; a Link header leads on when there are more than 1,000',
      status: 200,
      handle: list
    },
    {
      method: 'GET',
      url: '/orchestrations/inspections/:id',
      summary: 'A plan with its tasks and their history',
      status: 200,
      rules: { missingCode: 'Orra:UnknownOrchestration' },
      handle(request) {
        const { id } = request.params as { id: string } // By the address.
        const inspection = plans.plans.inspect(projectOf(plans, request.client), id)
        return toWireInspection(inspection, { now: Date.now(), maxCompensationAttempts: mostCompensationAttempts })
      }
    }
  ]
}
