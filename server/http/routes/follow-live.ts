import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LiveEvent } from '#contracts/live.ts'
import type { LiveFeed } from '../live/live-feed.ts'
import { type Viewer, visible } from '../live/visible.ts'
import { projectOf } from '../plan-project.ts'
import { ReplyStream } from '../reply-stream.ts'
import { toErrorText } from '../wire/outpost-events.ts'
import type { RouteContext } from './context.ts'
import { isOverseer } from './outpost-jobs.ts'

/** `GET /outpost/events`: what changes on this server, as far as the client may know it, until it leaves. */
export async function followLive({ services, readers }: RouteContext, feed: LiveFeed, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { client } = request
  const viewer: Viewer = { client, isOverseer: isOverseer(client), projectId: projectOf(services.plans, client) }
  const stream = new ReplyStream({ reply, readers, clientId: client.id, errorText: toErrorText })
  const unfollow = await feed.follow(lastEventId(request), (event, id) => {
    const shown = visible(event, viewer)
    if (shown !== undefined) stream.write(toText(shown, id))
  })
  reply.raw.once('close', unfollow)
  if (stream.ended) unfollow()
  stream.start()
}

function lastEventId(request: FastifyRequest): string | undefined {
  const given = request.raw.headers['last-event-id']
  return typeof given === 'string' && given !== '' ? given : undefined
}

function toText(event: LiveEvent, id: string): string {
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
