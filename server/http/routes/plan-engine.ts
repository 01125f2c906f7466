import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Json } from '#contracts/plan.ts'
import { version } from '../../version.ts'
import { parseBody } from '../plugins/body.ts'
import { toKnownError } from '../plugins/errors.ts'
import { jsonReply } from '../replies.ts'
import { PlanErrorBody, type PlanErrorRules, toPlanError } from '../wire/plan-errors.ts'
import { readPlanBody } from '../wire/plan-json.ts'
import type { RouteContext } from './context.ts'
import { compensationRoutes } from './plan-compensations.ts'
import { groundingRoutes } from './plan-groundings.ts'
import { orchestrationRoutes } from './plan-orchestrations.ts'
import { registrationRoutes } from './plan-registrations.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set on routes of the plan engine's API. `keyless`: this machine may call it without a key. */
    planEngine?: PlanErrorRules & { keyless?: boolean }
  }
}

/** One address of the plan engine's API. `handle` answers the body; nothing but `status` needs the reply. */
export type PlanRoute = {
  method: 'GET' | 'POST' | 'DELETE'
  url: string
  summary: string
  /** Of success. */
  status: number
  rules?: PlanErrorRules & { keyless?: boolean }
  body?: z.ZodType
  /** The body was parsed by its schema. */
  handle: (request: FastifyRequest, reply: FastifyReply) => unknown
}

const versionHeader = 'X-Orra-PlaneEngine-Version'

/**
 * The API of the plan engine that its existing SDKs and command line speak: paths, statuses and error bodies are those they know, and differ
 * from ours. What is registered here is apart from the rest, with its own errors and its own way to read a body.
 */
export function registerPlanEngine(app: FastifyInstance, context: RouteContext): void {
  void app.register(async (scope) => {
    scope.addHook('onRequest', (_request, reply, done) => {
      reply.header(versionHeader, version)
      done()
    })
    // The original takes every body for JSON, whatever its type, and so its clients do not always give one.
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      try {
        done(null, parseBody(body as Buffer)) // parseAs: 'buffer'
      } catch (error) {
        done(error as Error) // parseBody throws nothing else
      }
    })
    scope.setValidatorCompiler<z.ZodType>(({ schema }) => (body) => {
      try {
        return { value: readPlanBody(schema, body) }
      } catch (error) {
        return { error: error as Error } // readPlanBody throws nothing else
      }
    })
    registerErrors(scope, context)

    const routes = [...registrationRoutes(context), ...orchestrationRoutes(context), ...groundingRoutes(context), ...compensationRoutes(context)]
    for (const { method, url, summary, status, rules = {}, body, handle } of routes) {
      scope.route({
        method,
        url,
        config: { planEngine: rules },
        schema: { summary, tags: ['Plan engine'], ...(body === undefined ? {} : { body }), response: responsesOf(status, summary) },
        async handler(request, reply) {
          const answer = await handle(request, reply)
          reply.code(status)
          // null is an answer of this API.
          return status === 204 ? reply.send() : sendJson(reply, answer)
        }
      })
    }
    const health = { summary: 'The plan engine is up', tags: ['Plan engine'], response: responsesOf(200, 'It is') }
    scope.get('/health', { schema: health }, () => ({}))
  })
}

function registerErrors(scope: FastifyInstance, { services }: RouteContext): void {
  scope.setErrorHandler((thrown: unknown, request, reply) => {
    const error = toKnownError(thrown, request, services.config.maxBody)
    if (error.code === 'internal_error') {
      services.log.error({ requestId: request.id, route: request.routeOptions.url, err: error.cause ?? error }, 'request failed')
    }
    const { status, body } = toPlanError(error, request.routeOptions.config.planEngine ?? {})
    reply.code(status).header(versionHeader, version)
    if (status === 503) reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 2))))
    return body === undefined ? reply.send() : sendJson(reply, body)
  })
}

function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body))
}

function responsesOf(status: number, summary: string): Record<number, object> {
  return {
    [status]: status === 204 ? z.null().describe(summary) : jsonReply(summary, Json),
    400: jsonReply('The request, the key or the thing it names is wrong; the message says which', PlanErrorBody),
    403: z.null().describe('No key of this form, or not for this key: without a body'),
    500: jsonReply('It could not be done', PlanErrorBody)
  }
}
