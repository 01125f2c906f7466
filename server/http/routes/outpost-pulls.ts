import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PullOrder, PullStatus } from '#contracts/pull.ts'
import { AppError } from '../../errors.ts'
import { audit } from '../audit.ts'
import { ReplyStream } from '../reply-stream.ts'
import { toErrorText } from '../wire/outpost-events.ts'
import type { RouteContext } from './context.ts'

/** How long an order like "pull" is watched for failing at once; from then on its fate is seen in its state. */
const watchMs = 1000
/** News of progress come this often at most. */
const newsMs = 250

/** `POST /outpost/pulls`. */
export async function orderPull({ services }: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { model: name, limitRate } = request.body as PullOrder // The route's schema parsed it.
  const { model, done } = await services.models.order(name, { limitRate })
  audit(services.log, request.client, 'pull model', { model, from: name })
  await failedSoon(done, (error) => services.log.warn({ model, code: error instanceof AppError ? error.code : 'internal_error' }, 'pull failed'))
  return reply.code(202).send({ accepted: true, model })
}

/** `DELETE /outpost/pulls/:id`. */
export function stopPull({ services }: RouteContext, request: FastifyRequest): { stopped: true; model: string } {
  const { id } = request.params as { id: string } // The route's schema parsed it.
  if (!services.models.pulls.stop(id)) throw noSuchPull(id)
  audit(services.log, request.client, 'stop pull', { model: id })
  return { stopped: true, model: id }
}

/** `GET /outpost/pulls/:id/events`: how it is now and each change, until `pull-end` or `error`. */
export async function followPull(context: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { id } = request.params as { id: string } // The route's schema parsed it.
  const { pulls } = context.services.models
  if (pulls.find(id) === undefined) throw noSuchPull(id)
  const stream = new ReplyStream({ reply, readers: context.readers, clientId: request.client.id, errorText: toErrorText })
  let toldAt = Number.NEGATIVE_INFINITY
  let tail: NodeJS.Timeout | undefined
  let latest: PullStatus | undefined
  const tell = () => {
    clearTimeout(tail)
    tail = undefined
    toldAt = performance.now()
    if (latest !== undefined) stream.write(toText('pull-progress', latest))
    latest = undefined
  }
  const unfollow = pulls.follow(id, (status) => {
    if (status.state === 'running') {
      latest = status
      if (performance.now() - toldAt >= newsMs) tell()
      else tail ??= setTimeout(tell, newsMs)
      return
    }
    clearTimeout(tail)
    stream.end(
      status.error === null
        ? toText('pull-end', status)
        : toText('error', { ...status.error, retryable: new AppError(status.error.code, '').retryable })
    )
    // It is called the first time before it is known how to stop it.
    queueMicrotask(() => unfollow())
  })
  reply.raw.once('close', () => {
    clearTimeout(tail)
    unfollow()
  })
  await stream.ready
  stream.start()
}

/** Waits for an order until it is done or clearly under way. Throws when it fails in that time; a later failure goes to `late`. */
export async function failedSoon(done: Promise<unknown>, late: (error: unknown) => void): Promise<void> {
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

function toText(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}

function noSuchPull(id: string): AppError {
  return new AppError('not_found', `no pull of ${JSON.stringify(id.slice(0, 200))} runs or ended of late; GET /outpost/pulls lists them`)
}
