import { z } from 'zod'
import { ErrorBody } from '#contracts/error.ts'
import { type Access, accessOf } from './access.ts'

/** One event as a reader of the stream gets it. */
const ServerSentEvent = z.object({ data: z.string(), event: z.string().optional(), id: z.string().optional() })

const meanings: Record<number, string> = {
  400: 'The request is wrong; the message says where',
  401: 'No key, an unknown one or a revoked one',
  403: 'Not for this key, host or origin',
  404: 'There is no such thing',
  409: 'In conflict with what there is',
  413: 'The body is too large',
  416: 'No such part',
  415: 'The body is of a type that is not taken here',
  422: 'No plan can be made of it',
  499: 'Cancelled',
  500: 'A failure here; the log has the details under the request id',
  502: 'The model ended before its output was what was asked for',
  503: 'Not now; Retry-After says when',
  504: 'It took longer than allowed',
  507: 'The disk is full'
}

/** What running a job can answer beside its result. */
export const jobStatuses = [404, 409, 499, 500, 502, 503, 504, 507] as const

/** The error answers of a route, for OpenAPI: those that any route of its kind has, and `more`. */
export function errorReplies(method: string, url: string, more: readonly number[] = []): Record<number, object> {
  const access: Access | undefined = accessOf(method, url)
  const statuses = [400, 403, 500, ...(access === 'public' ? [] : [401]), ...(method === 'POST' ? [413, 415] : []), ...more]
  return Object.fromEntries(
    [...new Set(statuses)].map((status) => [
      status,
      { description: meanings[status] ?? 'An error', content: { 'application/json': { schema: ErrorBody } } }
    ])
  )
}

/** A stream of server-sent events, alone or beside an answer in one piece. */
export function streamReply(description: string, reply?: z.ZodType): object {
  return {
    description,
    content: { ...(reply === undefined ? {} : { 'application/json': { schema: reply } }), 'text/event-stream': { schema: ServerSentEvent } }
  }
}

export function jsonReply(description: string, reply: z.ZodType): object {
  return { description, content: { 'application/json': { schema: reply } } }
}
