import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import type { SequencedEvent } from '#contracts/event.ts'
import type { Lane, Receipt } from '#contracts/job.ts'
import type { Client } from '#contracts/key.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type BlobStore, isLarge } from './blobs.ts'
import { appendHistory, openHistory, readHistory } from './history.ts'
import { toQueuePriority } from './lanes.ts'
import { createLiveJobs, type EventListener, type LeaveReason, type LiveJob } from './live-jobs.ts'
import { createModelQueues } from './model-queues.ts'
import { cancelChannel } from './queue-names.ts'
import { createRecovery, type Recovery } from './recovery.ts'
import { startReplyReader } from './reply-reader.ts'
import { lookAtQueues, type QueueSnapshot, startTellingPositions } from './waiting.ts'

export type { EventListener, LeaveReason } from './live-jobs.ts'
export type { QueueSnapshot, WaitingJob } from './waiting.ts'

/** A request ready for the queue. `request.model` is a known model's id. */
export type Submission = {
  client: Client
  lane: Lane
  /** Within the lane, lower runs first; 0 is usual. */
  priority: number
  requestId: string
  /** The job outlives its reader. */
  detached: boolean
} & ({ kind: 'chat'; request: ChatRequest } | { kind: 'embed'; request: EmbedRequest })

/** A job somebody reads. */
export type JobHandle = {
  readonly jobId: string
  /** The reader left or was cut off: stops the job unless it is detached. No more events after this. */
  leave(reason: LeaveReason): void
}

export type Dispatcher = {
  /** Resolves when Redis has the job. Throws `queue_full`, `queue_unavailable`, `disk_full`. */
  submit(submission: Submission, listener: EventListener): Promise<JobHandle>
  /** Reads a detached job on, after event `afterSeq` (-1: from its start). Throws `not_found`. */
  follow(jobId: string, afterSeq: number, listener: EventListener): Promise<JobHandle & { clientId: string }>
  /** Ends a waiting or running job as `cancelled`. False: there is none of this id. */
  cancel(jobId: string): Promise<boolean>
  queues(): Promise<QueueSnapshot[]>
  /** Tells the waiting jobs of a model how far its loading is. */
  loading(model: string, percent: number): void
  /** See `recovery.ts`. Resolves when the jobs are looked after, however long Redis is away. */
  workerLost: Recovery['workerLost']
  /** Ends every waiting job of a model that cannot be served. */
  giveUp(model: string, error: AppError): Promise<void>
  /** See `recovery.ts`. */
  recover: Recovery['afterStart']
  /** Stops everything a client has in the queue, detached jobs included. */
  keyRevoked(clientId: string): void
  /** Jobs of this gateway that wait for the model. */
  waitingFor(model: string): number
  /** Jobs of this gateway, and how long one runs: smoothed, undefined while none has ended. */
  demandOf(model: string): { running: number; waiting: number; runMs: number | undefined }
  /** Jobs of this gateway that have not ended. */
  inFlight(): number
  close(): Promise<void>
}

/** A Redis that is being started again is waited for this long, before a request is refused. */
const restartMs = 5000

/** The gateway's side of the queue: takes requests in, hands their events out. */
export function createDispatcher(options: {
  /** Its name in Redis, the same after every restart. */
  gateway: string
  /** Fails fast: used for everything that must answer now. */
  commands: Redis
  /** Blocks in the reply stream. */
  blocking: Redis
  blobs: BlobStore
  /** Jobs that may wait for one model. */
  maxQueue: number
  slotsOf: (model: string) => number
  /** Why a model cannot be served yet, for those who wait for it. */
  waitOf?: (model: string) => { reason: string; ms: number | null } | undefined
  /** To be booked together, in this tick. */
  onReceipts: (receipts: Receipt[]) => void
  /** A job of this gateway came, began, went back or ended. */
  onChange?: () => void
  log: Log
}): Dispatcher {
  const { gateway, commands, blobs, log, slotsOf } = options
  const queues = createModelQueues(commands)
  const live = createLiveJobs({
    blobs,
    slotsOf,
    waitOf: options.waitOf,
    onReceipts: options.onReceipts,
    onChange: options.onChange,
    onEndedHere: (reply) => {
      appendHistory(commands.multi(), reply)
        .exec()
        .catch((error) => log.warn({ jobId: reply.jobId, err: error }, 'the end of a job could not be kept'))
    }
  })
  const reader = startReplyReader({ gateway, blocking: options.blocking, commands, onReplies: live.hear, log })
  const recovery = createRecovery({ gateway, commands, live, queues, reader, blobs, log })
  const positions = startTellingPositions(live, commands, options.waitOf)
  let closed = false

  commands.on('ready', () => {
    if (live.size > 0) recovery.afterRedis().catch((error) => log.warn({ err: error }, 'jobs could not be compared with Redis'))
  })

  /** Tries again while Redis is away, for so long. Throws what the last try threw. */
  const insist = async (attempt: () => Promise<unknown>, limitMs: number, model: string) => {
    const deadline = Date.now() + limitMs
    for (;;) {
      try {
        await attempt()
        return
      } catch (error) {
        queues.renew(model)
        if ((error as Error).name === 'ReplyError' || error instanceof AppError || Date.now() > deadline || closed) throw error
        await delay(20)
      }
    }
  }

  const stopJob = async (entry: LiveJob, error: AppError) => {
    await insist(
      async () => {
        const removed = await queues.of(entry.model).remove(entry.jobId)
        // Some worker has it, or is just taking it (then it remembers the message).
        if (removed === 0) return void (await commands.publish(cancelChannel(entry.model), entry.jobId))
        // Removed, or not there any more, because it has just ended: what its worker said of it counts then.
        await reader.caughtUp()
        live.end(entry, error)
      },
      Number.POSITIVE_INFINITY,
      entry.model
    )
  }

  return {
    async submit(submission, listener) {
      const { kind, client, lane, requestId, detached, request } = submission
      const { model } = request
      const already = live.waitingFor(model)
      const freeSlots = Math.max(0, slotsOf(model) - live.runningOn(model))
      if (already >= options.maxQueue + freeSlots) {
        const retryAfter = Math.max(1, Math.ceil((live.etaMs(model, already) ?? 5000) / 1000))
        const message = `${already} requests wait for ${model}, the most allowed: try again in about ${retryAfter} s`
        throw new AppError('queue_full', message, { retryAfter })
      }
      const jobId = randomUUID().replaceAll('-', '').slice(0, 24)
      const job = { kind, gateway, requestId, clientId: client.id, lane, submittedAt: Date.now(), detached }
      const blob = isLarge(request)
      const entry = live.add({ jobId, model, job, blob, queued: false, listener })
      try {
        if (blob) await blobs.write(jobId, request)
        if (detached) await insist(() => openHistory(commands, jobId, client.id), restartMs, model)
        const data = { ...job, request: blob ? { blob: jobId } : request }
        const priority = toQueuePriority(lane, submission.priority)
        await insist(
          async () => {
            // A connection that broke in between says nothing of whether the job was taken; something heard of it does. Adding it again
            // under the same id changes nothing if it is there.
            if (entry.started || live.get(jobId) === undefined) return
            await queues.of(model).add(kind, data, { jobId, priority })
          },
          restartMs,
          model
        )
        entry.queued = true
      } catch (cause) {
        live.forget(entry)
        if (cause instanceof AppError) throw cause
        throw new AppError('queue_unavailable', 'Redis does not answer: the request was not taken; try again in a second', { cause, retryAfter: 1 })
      }
      return {
        jobId,
        leave(reason) {
          entry.listeners.delete(listener)
          if (detached || live.get(jobId) === undefined || entry.left !== undefined) return
          entry.left = reason
          stopJob(entry, new AppError(reason, 'the reader left before the job ran')).catch((error) => log.warn({ jobId, err: error }, 'not stopped'))
        }
      }
    },

    async follow(jobId, afterSeq, listener) {
      const held: SequencedEvent[] = []
      let historyRead = false
      let gone = false
      let next = afterSeq + 1
      const forward = (events: SequencedEvent[]) => {
        const fresh = events.filter((event) => event.seq === -1 || event.seq >= next)
        const last = fresh.at(-1)
        if (last === undefined || gone) return
        if (last.seq >= 0) next = last.seq + 1
        listener(fresh)
      }
      const attached: EventListener = (events) => (historyRead ? forward(events) : held.push(...events))
      const entry = live.get(jobId)
      entry?.listeners.add(attached)
      const history = await orUnavailable(readHistory(commands, jobId)).catch((error) => {
        entry?.listeners.delete(attached)
        throw error
      })
      if (history === undefined) {
        entry?.listeners.delete(attached)
        throw new AppError('not_found', `no job ${jobId} whose events are kept: only detached jobs are, until two minutes after their end`)
      }
      // Handed on in a later turn, so that the caller has its handle (and may refuse the reader) before the first event.
      setImmediate(() => {
        historyRead = true
        const newest = Math.max(0, ...history.entries.map((line) => line.attempt))
        for (const line of history.entries.filter(({ attempt }) => attempt === newest)) {
          forward(line.events.map((event, i) => ({ ...event, jobId, seq: line.seq + i })))
        }
        forward(held)
      })
      return {
        jobId,
        clientId: history.owner,
        leave() {
          gone = true
          entry?.listeners.delete(attached)
        }
      }
    },

    async cancel(jobId) {
      const entry = live.get(jobId)
      if (entry === undefined) return false
      entry.left ??= 'cancelled'
      await stopJob(entry, new AppError('cancelled', 'the request was cancelled'))
      return true
    },

    queues: () => orUnavailable(lookAtQueues(live, queues, slotsOf)),

    loading(model, percent) {
      for (const entry of live.all()) if (entry.model === model && !entry.started) live.tell(entry, { type: 'model-load', percent })
    },

    workerLost: (model, workerId) => insist(() => recovery.workerLost(model, workerId), Number.POSITIVE_INFINITY, model),

    async giveUp(model, error) {
      for (const entry of live.all()) {
        if (entry.model !== model || entry.started) continue
        const removed = await queues.of(model).remove(entry.jobId)
        if (removed === 1) live.end(entry, error)
      }
    },

    keyRevoked(clientId) {
      for (const entry of live.all()) {
        if (entry.job.clientId !== clientId || entry.left !== undefined) continue
        entry.left = 'key_revoked'
        stopJob(entry, new AppError('key_revoked', 'the key of this request was revoked before it ran')).catch((error) =>
          log.warn({ jobId: entry.jobId, err: error }, 'not stopped')
        )
      }
    },

    recover: recovery.afterStart,
    waitingFor: live.waitingFor,
    demandOf: (model) => ({ running: live.runningOn(model), waiting: live.waitingFor(model), runMs: live.runMsOf(model) }),
    inFlight: () => live.size,

    async close() {
      closed = true
      positions.stop()
      await reader.stop()
      await queues.close()
    }
  }
}

/** What Redis was asked for. Throws `queue_unavailable` when it does not answer. */
async function orUnavailable<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('queue_unavailable', 'Redis does not answer: try again in a second', { cause, retryAfter: 1 })
  }
}
