import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PlanStreamEvent } from '#contracts/plan-api.ts'
import type { PlanNews } from '../../plans/plan-engine.ts'
import { ReplyStream } from '../reply-stream.ts'
import { toErrorText } from '../wire/outpost-events.ts'
import type { RouteContext } from './context.ts'

/**
 * `GET /outpost/plans/:id/events`: what is on record and what comes, until the plan is settled. Ids are log offsets; the last event has
 * `OFFSET.end`, after which there is nothing: 204, so that a browser's EventSource, which comes back after every end, stops.
 */
export async function followPlan(
  { services: { plans }, readers }: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  project: string
): Promise<FastifyReply | undefined> {
  const { id } = request.params as { id: string } // The route's schema parsed it.
  const seen = /^(\d{1,15}|-1)(\.end)?$/.exec(String(request.headers['last-event-id'] ?? ''))
  if (seen?.[2] !== undefined) return reply.code(204).send()
  let last = seen === null ? -1 : Number(seen[1])

  const stream = new ReplyStream({ reply, readers, clientId: request.client.id, errorText: toErrorText })
  let unfollow: (() => void) | undefined
  const pass = (news: PlanNews[]) => {
    let text = ''
    for (const item of news) {
      if (stream.ended) return
      if (item.type === 'log') {
        if (item.event.offset <= last) continue
        last = item.event.offset
      }
      text += toText(item, last)
      if (item.type === 'status' && item.settled) {
        stream.end(text)
        unfollow?.()
        return
      }
    }
    stream.write(text)
  }
  try {
    unfollow = plans.plans.follow(project, id, pass)
  } catch (error) {
    stream.discard()
    throw error
  }
  // It may have told everything before it was known how to stop it.
  if (stream.ended) unfollow()
  reply.raw.once('close', () => unfollow?.())
  await stream.ready
  stream.start()
  return undefined
}

function toText(news: PlanNews, offset: number): string {
  switch (news.type) {
    case 'planning':
      return text({ type: 'plan-progress', progress: news.progress })
    case 'log':
      return text({ type: 'plan-event', event: news.event }, `${offset}`)
    case 'status':
      return text({ type: 'plan-status', plan: news.record, settled: news.settled }, news.settled ? `${offset}.end` : undefined)
  }
}

function text(event: PlanStreamEvent, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
