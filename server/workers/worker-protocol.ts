import { z } from 'zod'
import { ErrorCode } from '#contracts/error.ts'

/** What a worker process is told, once, as its first message. */
export const WorkerOrder = z.object({
  type: z.literal('order'),
  workerId: z.string(),
  model: z.string(),
  kind: z.enum(['chat', 'embedding']),
  engine: z.enum(['llama', 'fake']),
  /** Absolute path of the weights; empty for an engine without. */
  path: z.string(),
  contextWindow: z.int().positive(),
  threads: z.int().positive(),
  slots: z.int().positive().nullable(),
  redis: z.union([z.object({ socket: z.string() }), z.object({ url: z.string() })]),
  blobs: z.string(),
  logLevel: z.string()
})
export type WorkerOrder = z.infer<typeof WorkerOrder>

/** `drain`: running requests go on to their end first. */
export const WorkerStop = z.object({ type: z.literal('stop'), drain: z.boolean() })
/** The gateway has looked after the jobs of its last run: a worker that has loaded its model may take jobs now. */
export const WorkerTake = z.object({ type: z.literal('take') })
/** Another model needs the memory: no new jobs for now. `take` takes that back. */
export const WorkerHold = z.object({ type: z.literal('hold') })
export const WorkerCommand = z.discriminatedUnion('type', [WorkerOrder, WorkerTake, WorkerHold, WorkerStop])
export type WorkerCommand = z.infer<typeof WorkerCommand>

/** What a worker process tells its supervisor. */
export const WorkerReport = z.discriminatedUnion('type', [
  z.object({ type: z.literal('load-progress'), percent: z.int().min(0).max(100) }),
  z.object({
    type: z.literal('ready'),
    contextWindow: z.int(),
    slots: z.int().positive(),
    embeddingDimensions: z.int().nullable(),
    details: z.record(z.string(), z.union([z.string(), z.number()]))
  }),
  z.object({ type: z.literal('failed'), code: ErrorCode, message: z.string() })
])
export type WorkerReport = z.infer<typeof WorkerReport>
