import { type Job as BullJob, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import { isLastEvent, type JobEvent, type Usage } from '#contracts/event.ts'
import { type Job, QueuedJob, type Receipt } from '#contracts/job.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { BlobStore } from './blobs.ts'
import { toErrorEvent } from './live-jobs.ts'
import type { Outbox } from './outbox.ts'
import { cancelChannel, queueName } from './queue-names.ts'
import { keyPrefix } from './redis.ts'

/** Runs one job; what it emits goes to the job's reader. It ends with `generation-end`, or throws. */
export type JobHandler = (job: Job, context: { signal: AbortSignal; emit: (event: JobEvent) => void }) => Promise<void>

export type JobTaker = {
  running(): number
  /** Takes no more jobs until `resume`; the running ones go on. */
  hold(): void
  resume(): void
  /**
   * Takes no more jobs. `drain`: the running ones go on to their end. Otherwise those with a reader stop at their next token and are booked;
   * detached ones are left in the queue, for a later worker to run. Resolves when everything said lies in Redis.
   */
  stop(options?: { drain: boolean }): Promise<void>
}

/** Far longer than any stall of the event loop: a lock that ran out would let the job run twice. A dead worker is noticed by its process, not by this. */
const lockMs = 10 * 60_000
/** Cancel messages remembered for jobs that are just being taken. */
const rememberedCancels = 1000

const noUsage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }

/** The worker's side of the queue: takes jobs of one model, `concurrency` at a time, and answers through the outbox. */
export function takeJobs(options: {
  model: string
  workerId: string
  concurrency: number
  /** BullMQ makes a second, blocking connection of it. */
  redis: Redis
  subscriber: Redis
  blobs: BlobStore
  outbox: Outbox
  handle: JobHandler
  log: Log
}): JobTaker {
  const { model, blobs, outbox, handle, log } = options
  const cancelled = new Set<string>()
  const controllers = new Map<string, AbortController>()
  /** Detached jobs this worker leaves behind: they say nothing any more, and BullMQ keeps them. */
  const abandoned = new Set<string>()
  const runs = new Map<string, { detached: boolean; ended: Promise<void> }>()

  const take = async (bullJob: BullJob) => {
    const jobId = bullJob.id ?? ''
    const ended = run(bullJob, jobId)
    runs.set(jobId, { detached: (bullJob.data as { detached?: boolean }).detached === true, ended })
    await ended
    runs.delete(jobId)
    // Never to be completed by this process.
    if (abandoned.has(jobId)) await new Promise(() => {})
  }

  const run = async (bullJob: BullJob, jobId: string) => {
    const startedAt = Date.now()
    const queued = QueuedJob.safeParse(bullJob.data)
    if (!queued.success) {
      // Whoever wrote it speaks another version; there is no address to answer to.
      log.error({ jobId, issue: queued.error.issues[0]?.message }, 'a job could not be understood')
      return
    }
    const { gateway, detached, kind, submittedAt } = queued.data
    const sender = outbox.open({ jobId, gateway, attempt: bullJob.attemptsStarted, detached })
    const controller = new AbortController()
    controllers.set(jobId, controller)
    if (cancelled.delete(jobId)) controller.abort()

    let usage = noUsage
    let firstTokenAt: number | null = null
    let finishReason: Receipt['finishReason'] = null
    const receipt = (errorCode: Receipt['errorCode']): Receipt => {
      const now = Date.now()
      return {
        jobId,
        requestId: queued.data.requestId,
        kind,
        clientId: queued.data.clientId,
        model,
        lane: queued.data.lane,
        submittedAt,
        usage,
        queueMs: startedAt - submittedAt,
        ttftMs: firstTokenAt === null ? null : firstTokenAt - submittedAt,
        totalMs: now - submittedAt,
        finishReason,
        errorCode
      }
    }
    const emit = (event: JobEvent) => {
      if (abandoned.has(jobId)) return
      switch (event.type) {
        case 'text-delta':
        case 'reasoning-delta':
        case 'tool-call-delta':
        case 'embedding':
          firstTokenAt ??= Date.now()
          break
        case 'sequence-end':
          finishReason = event.finishReason
          break
        case 'generation-end':
          usage = event.usage
          break
      }
      if (isLastEvent(event)) sender.end(event, receipt(event.type === 'error' ? event.code : null))
      else sender.send(event)
    }
    try {
      await handle(withRequest(queued.data, jobId, blobs), { signal: controller.signal, emit })
    } catch (cause) {
      const error = toAppError(cause, 'engine_failed')
      if (error.status >= 500) log.error({ jobId, code: error.code, err: error }, 'job failed')
      emit(toErrorEvent(error))
    } finally {
      controllers.delete(jobId)
    }
  }

  const worker = new Worker(queueName(model), take, {
    connection: options.redis,
    prefix: keyPrefix,
    name: options.workerId,
    concurrency: options.concurrency,
    lockDuration: lockMs,
    maxStalledCount: 0,
    skipStalledCheck: true,
    drainDelay: 30,
    runRetryDelay: 500,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 }
  })
  worker.on('error', (error) => log.debug({ err: error }, 'queue connection'))

  void options.subscriber.subscribe(cancelChannel(model))
  options.subscriber.on('message', (_channel: string, jobId: string) => {
    const controller = controllers.get(jobId)
    if (controller !== undefined) return controller.abort()
    cancelled.add(jobId)
    for (const oldest of cancelled) {
      if (cancelled.size <= rememberedCancels) break
      cancelled.delete(oldest)
    }
  })

  return {
    running: () => controllers.size,
    hold: () => void worker.pause(true).catch((error) => log.warn({ err: error }, 'queue not paused')),
    resume: () => void worker.resume().catch((error) => log.warn({ err: error }, 'queue not resumed')),
    async stop({ drain } = { drain: false }) {
      await worker.pause(true)
      if (!drain) {
        for (const [jobId, controller] of controllers) {
          if (runs.get(jobId)?.detached === true) abandoned.add(jobId)
          controller.abort()
        }
      }
      // One that was waiting for a job when it was paused may still get it.
      while (runs.size > 0) await Promise.all([...runs.values()].map(({ ended }) => ended))
      await outbox.flushed()
      // Behind the commands with which BullMQ took the ended jobs off its list.
      await options.redis.ping()
      await worker.close(true)
    }
  }
}

function withRequest(queued: QueuedJob, jobId: string, blobs: BlobStore): Job {
  if (!('blob' in queued.request)) return { ...queued, jobId } as Job
  const stored = blobs.read(queued.request.blob)
  const parsed = (queued.kind === 'chat' ? ChatRequest : EmbedRequest).safeParse(stored)
  if (!parsed.success) throw new AppError('internal_error', 'the stored request is not a request of this version: send it again')
  // The kind of the envelope chose the schema, so request and kind belong together.
  return { ...queued, request: parsed.data, jobId } as Job
}
