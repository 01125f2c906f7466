import { z } from 'zod'
import { ErrorCode } from './error.ts'
import { Lane } from './job.ts'
import { ModelStatus } from './model.ts'
import { PlanStatus } from './plan.ts'
import { PullStatus } from './pull.ts'

/** `position` counts from 1, null while running. Times are Unix milliseconds. */
const QueuedJobStatus = z.object({
  jobId: z.string(),
  clientId: z.string(),
  kind: z.string(),
  lane: Lane,
  state: z.enum(['waiting', 'running']),
  position: z.int().nullable(),
  etaMs: z.number().nullable(),
  submittedAt: z.number()
})
/** Jobs of other clients are counted for everyone, but listed only for administrators. */
export const QueueStatus = z.object({
  model: z.string(),
  waiting: z.int(),
  running: z.int(),
  slots: z.int(),
  lanes: z.record(Lane, z.int()),
  jobs: z.array(QueuedJobStatus)
})
export type QueueStatus = z.infer<typeof QueueStatus>

/** Whether requests can be served now, and why not. */
export const Readiness = z.object({ ready: z.boolean(), reason: z.object({ code: ErrorCode, message: z.string() }).nullable() })
export type Readiness = z.infer<typeof Readiness>

/** A plan as far as a list of plans needs it. */
export const PlanNote = z.object({ id: z.string(), projectId: z.string(), action: z.string(), status: PlanStatus, changedAt: z.number() })
export type PlanNote = z.infer<typeof PlanNote>

/**
 * One event of `GET /outpost/events`: what changed, as far as the client may see it. `reset` holds the whole state and comes first, and again when what
 * came after `Last-Event-ID` is not known any more. `pulls` are for administrators, others get none. Plans are not part of it: ask for their list.
 */
export const LiveEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('reset'),
    readiness: Readiness,
    models: z.array(ModelStatus),
    pulls: z.array(PullStatus),
    queues: z.array(QueueStatus)
  }),
  z.object({ type: z.literal('readiness'), readiness: Readiness }),
  z.object({ type: z.literal('model'), model: ModelStatus }),
  z.object({ type: z.literal('model-gone'), id: z.string() }),
  z.object({ type: z.literal('pull'), pull: PullStatus }),
  z.object({ type: z.literal('queues'), queues: z.array(QueueStatus) }),
  z.object({ type: z.literal('plan'), plan: PlanNote }),
  z.object({ type: z.literal('error'), code: ErrorCode, message: z.string(), retryable: z.boolean() })
])
export type LiveEvent = z.infer<typeof LiveEvent>
