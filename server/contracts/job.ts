import { z } from 'zod'
import { ChatRequest, EmbedRequest } from './chat.ts'
import { ErrorCode } from './error.ts'
import { FinishReason, Usage } from './event.ts'

/** Who goes first, in this order; `planning` is what the plan engine asks of models. `queue/lanes.ts` alone turns this into a BullMQ priority. */
export const Lane = z.enum(['interactive', 'planning', 'normal', 'batch'])
export type Lane = z.infer<typeof Lane>

/** Whom a job is booked to and where its events go. Times are Unix milliseconds. */
const envelope = {
  /** The gateway whose reply stream gets the events. */
  gateway: z.string().min(1),
  requestId: z.string(),
  /** Key id, or `local` / `owner`. */
  clientId: z.string(),
  lane: Lane,
  submittedAt: z.number(),
  /** The job goes on without its reader, and its events are kept until two minutes after the end. */
  detached: z.boolean()
}

/** What lies in BullMQ, parsed at both ends. The request of a large job lies in the blob folder instead, `request` is then its reference. */
const BlobReference = z.object({ blob: z.string().regex(/^[a-z0-9-]{8,64}$/) })
export const QueuedJob = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('chat'), ...envelope, request: z.union([BlobReference, ChatRequest]) }),
  z.object({ kind: z.literal('embed'), ...envelope, request: z.union([BlobReference, EmbedRequest]) })
])
export type QueuedJob = z.infer<typeof QueuedJob>

/** A job with its request in place, as a handler sees it. */
export type Job =
  | (Omit<Extract<QueuedJob, { kind: 'chat' }>, 'request'> & { jobId: string; request: ChatRequest })
  | (Omit<Extract<QueuedJob, { kind: 'embed' }>, 'request'> & { jobId: string; request: EmbedRequest })

/** One row of the usage table: what a request cost, never what it said. Written once for each job, also when the client left. */
export const Receipt = z.object({
  jobId: z.string(),
  requestId: z.string(),
  kind: z.enum(['chat', 'embed']),
  clientId: z.string(),
  model: z.string(),
  lane: Lane,
  submittedAt: z.number(),
  usage: Usage,
  queueMs: z.number(),
  /** From submission to the first token; null when there was none. */
  ttftMs: z.number().nullable(),
  totalMs: z.number(),
  finishReason: FinishReason.nullable(),
  errorCode: ErrorCode.nullable()
})
export type Receipt = z.infer<typeof Receipt>
