import type { FastifyRequest } from 'fastify'
import { audit } from '../audit.ts'
import { projectOf } from '../plan-project.ts'
import { GroundingBody } from '../wire/plan-bodies.ts'
import { toGroundingRecord } from '../wire/plan-records.ts'
import type { RouteContext } from './context.ts'
import type { PlanRoute } from './plan-engine.ts'

/** What is known of domains. */
export function groundingRoutes({ services: { plans, log } }: RouteContext): PlanRoute[] {
  const projectFor = (request: FastifyRequest) => projectOf(plans, request.client)

  return [
    {
      method: 'POST',
      url: '/groundings',
      summary: 'Apply a grounding; another version of the same name is replaced',
      status: 201,
      body: GroundingBody,
      rules: { invalidKind: 'invalid request error', conflictParam: 'version' },
      handle(request) {
        const grounding = plans.groundings.apply(projectFor(request), request.body)
        audit(log, request.client, 'apply grounding', { name: grounding.name, version: grounding.version })
        return toGroundingRecord(grounding, projectFor(request))
      }
    },
    {
      method: 'GET',
      url: '/groundings',
      summary: 'Every grounding, by name; null when there is none',
      status: 200,
      handle(request) {
        const groundings = plans.groundings.list(projectFor(request))
        if (groundings.length === 0) return null
        return groundings
          .toSorted((one, other) => (one.name < other.name ? -1 : 1))
          .map((grounding) => toGroundingRecord(grounding, projectFor(request)))
      }
    },
    {
      method: 'DELETE',
      url: '/groundings/:name',
      summary: 'Remove a grounding, if it is there',
      status: 204,
      handle(request) {
        const { name } = request.params as { name: string } // By the address.
        plans.groundings.remove(projectFor(request), name)
        audit(log, request.client, 'remove grounding', { name })
      }
    },
    {
      method: 'DELETE',
      url: '/groundings',
      summary: 'Remove every grounding',
      status: 204,
      handle(request) {
        plans.groundings.removeAll(projectFor(request))
        audit(log, request.client, 'remove groundings')
      }
    }
  ]
}
