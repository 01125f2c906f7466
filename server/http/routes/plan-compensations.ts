import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { audit } from '../audit.ts'
import { projectOf } from '../plan-project.ts'
import { ReasonBody } from '../wire/plan-bodies.ts'
import { toCompensationFailureRecord } from '../wire/plan-records.ts'
import type { RouteContext } from './context.ts'
import type { PlanRoute } from './plan-engine.ts'

/** Compensations that could not be done, and who saw to them. */
export function compensationRoutes({ services: { plans, log } }: RouteContext): PlanRoute[] {
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id // By the address.
  const settle = (resolution: 'resolved' | 'ignored') => (request: FastifyRequest) => {
    const { reason } = request.body as z.output<typeof ReasonBody> // The route's schema parsed it.
    const failure = plans.compensationFailures.settle(projectOf(plans, request.client), idOf(request), resolution, reason)
    audit(log, request.client, 'settle compensation', { id: failure.id, resolution })
    return toCompensationFailureRecord(failure)
  }

  return [
    {
      method: 'GET',
      url: '/compensation-failures',
      summary: 'Compensations that could not be done, newest first; null when there is none',
      status: 200,
      handle(request) {
        const failures = plans.compensationFailures.list(projectOf(plans, request.client))
        return failures.length === 0 ? null : failures.map(toCompensationFailureRecord)
      }
    },
    {
      method: 'GET',
      url: '/compensation-failures/:id',
      summary: 'One of them',
      status: 200,
      handle: (request) => toCompensationFailureRecord(plans.compensationFailures.find(projectOf(plans, request.client), idOf(request)))
    },
    {
      method: 'POST',
      url: '/compensation-failures/:id/resolve',
      summary: 'Somebody saw to it',
      status: 200,
      body: ReasonBody,
      handle: settle('resolved')
    },
    {
      method: 'POST',
      url: '/compensation-failures/:id/ignore',
      summary: 'Nobody needs to see to it',
      status: 200,
      body: ReasonBody,
      handle: settle('ignored')
    }
  ]
}
