import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { sendError } from '../plugins/errors.ts'
import { errorReplies, jsonReply } from '../replies.ts'
import type { RouteContext } from './context.ts'
import { createMetrics } from './metrics.ts'

const Healthy = z.object({ status: z.literal('ok') })

/** For those who watch over the server: `/healthz` (the process is up), `/readyz` (it can serve now), `/metrics`. */
export function registerHealth(app: FastifyInstance, context: RouteContext): void {
  const { services } = context
  const tags = ['Operation']

  app.get(
    '/healthz',
    { schema: { summary: 'The process is up', tags, response: { 200: jsonReply('It is', Healthy), ...errorReplies('GET', '/healthz') } } },
    () => ({ status: 'ok' })
  )

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'A request can be served now',
        tags,
        response: { 200: jsonReply('It can', Healthy), ...errorReplies('GET', '/readyz', [503, 507]) }
      }
    },
    (_request, reply) => {
      const reason = services.notReady()
      return reason === undefined ? { status: 'ok' } : sendError(reply, reason, 503)
    }
  )

  const metrics = createMetrics(app, context)
  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Prometheus metrics',
        tags,
        response: {
          200: { description: 'Prometheus text format', content: { 'text/plain': { schema: z.string() } } },
          ...errorReplies('GET', '/metrics')
        }
      }
    },
    async (_request, reply) => {
      reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      // A serializer for JSON would put the text in quotes.
      return reply.serializer((text) => String(text)).send(await metrics())
    }
  )
}
