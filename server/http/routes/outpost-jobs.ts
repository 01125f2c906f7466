import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChatSubmission } from '#contracts/api.ts'
import { isLastEvent } from '#contracts/event.ts'
import type { Client } from '#contracts/key.ts'
import { AppError } from '../../errors.ts'
import { boundedLane } from '../../queue/lanes.ts'
import { ReplyStream } from '../reply-stream.ts'
import type { EventListener } from '../services.ts'
import { startStream } from '../stream-jobs.ts'
import { fromErrorEvent } from '../wire/error-body.ts'
import { toErrorText, toEventText } from '../wire/outpost-events.ts'
import { type RouteContext, resolveModel, submissionOf } from './context.ts'

/** `POST /outpost/chat`. */
export async function startChat(context: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { detached, lane, priority, ...chat } = request.body as ChatSubmission // The route's schema parsed it.
  const model = resolveModel(context.services, chat.model, 'chat')
  const stream = eventStream(context, reply)
  await startStream(stream, async () => {
    const submission = {
      ...submissionOf(request, { lane: boundedLane(lane ?? 'normal', request.client.lane), priority, detached }),
      kind: 'chat' as const,
      request: { ...chat, model: model.id }
    }
    stream.attach(await context.services.jobs.submit(submission, passOn(stream)))
  })
}

/**
 * `GET /outpost/jobs/:id/events`. Answers 204 when there is nothing after `Last-Event-ID` and never will be: a browser's EventSource, which
 * comes back after every end, then stops.
 */
export async function followJob(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  id = (request.params as { id: string }).id // The route's schema parsed it.
): Promise<FastifyReply | undefined> {
  const after = lastEventId(request)
  const stream = eventStream(context, reply)
  const forward = passOn(stream)
  let isOver = false
  try {
    // Read from the start, because what was seen already tells whether it was the job's end.
    const handle = await context.services.jobs.follow(id, -1, (events) => {
      const fresh = events.filter((event) => event.seq < 0 || event.seq > after)
      isOver = fresh.length === 0 && events.some(isLastEvent)
      if (isOver) stream.end('')
      else if (fresh.length > 0) forward(fresh)
    })
    stream.attach(handle)
    checkOwner(request.client, handle.clientId)
    await stream.ready
  } catch (error) {
    stream.discard()
    throw error
  }
  if (isOver) return reply.code(204).send()
  stream.start()
  return undefined
}

/** `DELETE /outpost/jobs/:id`. */
export async function cancelJob(context: RouteContext, request: FastifyRequest): Promise<{ cancelled: true; jobId: string }> {
  const { id } = request.params as { id: string } // The route's schema parsed it.
  const { jobs } = context.services
  if (!isOverseer(request.client)) {
    const queues = await jobs.queues()
    const job = queues.flatMap((queue) => queue.jobs).find(({ jobId }) => jobId === id)
    if (job === undefined) throw noSuchJob(id)
    checkOwner(request.client, job.clientId)
  }
  if (!(await jobs.cancel(id))) throw noSuchJob(id)
  return { cancelled: true, jobId: id }
}

/** Who may see and end every job. */
export function isOverseer(client: Client): boolean {
  return client.role === 'administrator' || client.role === 'owner'
}

/** The one place that decides whose job it is. */
function checkOwner(client: Client, ownerId: string): void {
  if (client.id !== ownerId && !isOverseer(client))
    throw new AppError('forbidden', 'this job belongs to another client; only an administrator may touch it')
}

/** A stream of our own dialect. */
export function eventStream(context: RouteContext, reply: FastifyReply): ReplyStream {
  return new ReplyStream({ reply, readers: context.readers, clientId: reply.request.client.id, errorText: toErrorText })
}

/** What of a job's events goes into such a stream, and when. */
export function passOn(stream: ReplyStream): EventListener {
  return (events) => {
    let text = ''
    let isOutput = false
    for (const event of events) {
      switch (event.type) {
        case 'job-queued':
        case 'model-load':
          stream.wait(event)
          break
        case 'error':
          if (isOutput) stream.write(text)
          else stream.keep(text)
          stream.fail(fromErrorEvent(event), toEventText(event))
          return
        case 'generation-end':
          stream.end(text + toEventText(event))
          return
        case 'generation-start':
          stream.running()
          break
        case 'sequence-start':
        case 'warning':
          break
        default:
          isOutput = true
      }
      text += toEventText(event)
    }
    if (isOutput) stream.write(text)
    else stream.keep(text)
  }
}

function lastEventId(request: FastifyRequest): number {
  const given = request.headers['last-event-id']
  if (given === undefined || given === '') return -1
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given)) {
    throw new AppError('invalid_request', `Last-Event-ID must be the id of an event, got ${JSON.stringify(String(given).slice(0, 40))}`, {
      param: 'last-event-id'
    })
  }
  return Number(given)
}

function noSuchJob(id: string): AppError {
  return new AppError('not_found', `there is no job ${JSON.stringify(id.slice(0, 64))} that waits or runs`)
}
