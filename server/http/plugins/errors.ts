import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { toErrorBody } from '../wire/error-body.ts'

/** What a client waits before it tries again when the error itself does not say. Seconds. */
const defaultRetryAfter = 2

/** Every error leaves through here: in the dialect of the route, with our code, and with nothing of the inside in it. */
export function registerErrorHandler(app: FastifyInstance, options: { log: Log; maxBody: number }): void {
  app.setErrorHandler((error: unknown, request, reply) => {
    const known = toKnownError(error, request, options.maxBody)
    // 499 and the like are the client's own doing; only what is ours to look at is logged.
    if (known.code === 'internal_error')
      options.log.error({ requestId: request.id, route: request.routeOptions.url, err: known.cause ?? known }, 'request failed')
    return sendError(reply, known)
  })
}

/** `status`: where the answer's own status says more than the error's, as `/readyz` does. */
export function sendError(reply: FastifyReply, error: AppError, status: number = error.status): FastifyReply {
  if (status === 429 || status === 503) reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? defaultRetryAfter))))
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(toErrorBody(error)))
}

/** Anything thrown by a route or by Fastify, in our words. */
export function toKnownError(error: unknown, request: FastifyRequest, maxBody: number): AppError {
  if (error instanceof AppError) return error
  const { code, statusCode } = error as Partial<FastifyError>
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('payload_too_large', `the body must have at most ${maxBody} bytes, got ${request.headers['content-length'] ?? 'more'}`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_CONTENT_TYPE':
      return new AppError(
        'unsupported_media_type',
        `the body must be sent as "content-type: application/json", got ${JSON.stringify(request.headers['content-type'] ?? 'none')}`
      )
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError('invalid_request', 'the body is not as long as content-length says')
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError('invalid_request', error instanceof Error ? error.message : 'the request cannot be read')
  }
  return new AppError('internal_error', `something went wrong here; the log has the details under request id ${request.id}`, { cause: error })
}
