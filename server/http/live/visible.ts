import type { Client } from '#contracts/key.ts'
import type { LiveEvent, QueueStatus } from '#contracts/live.ts'
import type { FeedEvent } from './live-feed.ts'

/** Whose eyes: of an overseer all is seen, of a project its plans, of everybody else what the endpoints would tell as well. */
export type Viewer = { client: Client; isOverseer: boolean; projectId: string }

/** What this client may know of an event; undefined: nothing. */
export function visible(event: FeedEvent, viewer: Viewer): LiveEvent | undefined {
  if (event.type === 'plan') return viewer.isOverseer || event.plan.projectId === viewer.projectId ? event : undefined
  if (viewer.client.role === 'project')
    return event.type === 'reset' ? { ...event, models: [], pulls: [], queues: [] } : event.type === 'readiness' ? event : undefined
  switch (event.type) {
    case 'reset':
      return { ...event, pulls: viewer.isOverseer ? event.pulls : [], queues: visibleQueues(event.queues, viewer) }
    case 'pull':
      return viewer.isOverseer ? event : undefined
    case 'queues':
      return { ...event, queues: visibleQueues(event.queues, viewer) }
    default:
      return event
  }
}

/** Everybody's jobs are counted, one's own are listed. */
export function visibleQueues(queues: QueueStatus[], viewer: Pick<Viewer, 'client' | 'isOverseer'>): QueueStatus[] {
  if (viewer.isOverseer) return queues
  return queues.map((queue) => ({ ...queue, jobs: queue.jobs.filter(({ clientId }) => clientId === viewer.client.id) }))
}
