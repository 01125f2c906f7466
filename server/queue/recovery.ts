import type { Redis } from 'ioredis'
import { isLastEvent } from '#contracts/event.ts'
import { QueuedJob } from '#contracts/job.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { BlobStore } from './blobs.ts'
import { readHistory } from './history.ts'
import { isContent, type LiveJob, type LiveJobs } from './live-jobs.ts'
import type { ModelQueues } from './model-queues.ts'
import { queueKey } from './queue-names.ts'
import type { ReplyReader } from './reply-reader.ts'

/** Runs of one job at most: a request that kills its worker must not kill all of them for ever. */
const mostAttempts = 3

export type Recovery = {
  /** A worker's process ended: its jobs run again when nothing was sent yet, else end with `worker_lost`. */
  workerLost(model: string, workerId: string): Promise<void>
  /** After a start: what a predecessor of this gateway left. Returns the models for which detached jobs wait. */
  afterStart(): Promise<string[]>
  /** After Redis was away: ends the jobs it lost (no append-only file), whose readers would wait for ever. */
  afterRedis(): Promise<void>
}

export function createRecovery(options: {
  gateway: string
  commands: Redis
  live: LiveJobs
  queues: ModelQueues
  reader: ReplyReader
  blobs: BlobStore
  log: Log
}): Recovery {
  const { gateway, commands, live, queues, reader, blobs, log } = options

  const mayRunAgain = (entry: LiveJob) => !entry.contentSent && entry.attempt < mostAttempts

  const dropActive = async (model: string, jobId: string) => {
    try {
      await queues.dropActive(model, jobId)
    } catch (error) {
      // Without Redis it is tried again as a whole; what BullMQ itself refuses must not keep the reader waiting.
      if (commands.status !== 'ready') throw error
      log.error({ jobId, err: error }, 'a lost job could not be taken off the active list')
    }
  }

  const runAgain = async (entry: LiveJob) => {
    // Before it is put back: a worker may take it in the same moment.
    live.restart(entry, entry.attempt + 1)
    const attempt = await queues.putBack(entry.model, entry.jobId)
    if (attempt === undefined) live.end(entry, new AppError('worker_lost', 'the worker ended and the job with it: send the request again'))
    else log.warn({ jobId: entry.jobId, attempt }, 'nothing was sent yet: the job runs again')
  }

  return {
    async workerLost(model, workerId) {
      const active = await queues.active(model)
      const holders = await Promise.all(active.map((jobId) => queues.field(model, jobId, 'pb')))
      // What it wrote before it died must be heard first.
      await reader.caughtUp()
      for (const [i, jobId] of active.entries()) {
        if (holders[i] !== workerId) continue
        const entry = live.get(jobId)
        if (entry !== undefined && entry.left === undefined && mayRunAgain(entry)) {
          await runAgain(entry)
          continue
        }
        await dropActive(model, jobId)
        if (entry === undefined) continue
        const lost = 'the process that ran the model ended in the middle of the answer: send the request again'
        live.end(entry, entry.left === undefined ? new AppError('worker_lost', lost, { retryAfter: 1 }) : new AppError(entry.left, 'the reader left'))
      }
    },

    async afterStart() {
      await reader.caughtUp()
      const wanted = new Set<string>()
      for (const model of await queues.models()) {
        const active = new Set(await queues.active(model))
        for (const jobId of [...active, ...(await queues.waiting(model))]) {
          const remove = () => (active.has(jobId) ? queues.dropActive(model, jobId) : queues.of(model).remove(jobId))
          const stored = QueuedJob.safeParse(toJson(await queues.field(model, jobId, 'data')))
          if (!stored.success) {
            log.error({ jobId }, 'a stored job could not be understood and was removed')
            await remove()
            continue
          }
          if (stored.data.gateway !== gateway) continue
          const { request, ...job } = stored.data
          const entry = live.add({ jobId, model, job, blob: 'blob' in request, queued: true })
          const history = job.detached ? ((await readHistory(commands, jobId))?.entries ?? []) : []
          for (const line of history) {
            entry.seq = line.seq + line.events.length
            entry.attempt = line.attempt
            const content = line.events.filter(isContent).length
            entry.contentSent ||= content > 0
            entry.deltas += content
          }
          if (history.some((line) => line.events.some(isLastEvent))) {
            await remove()
            live.forget(entry)
          } else if (!job.detached) {
            await remove()
            live.end(entry, new AppError('client_gone', 'the gateway ended, and the connection with it'))
          } else if (!active.has(jobId)) {
            wanted.add(model)
          } else if (mayRunAgain(entry)) {
            await runAgain(entry)
            wanted.add(model)
          } else {
            await remove()
            live.end(entry, new AppError('worker_lost', 'the server ended in the middle of the answer: send the request again'))
          }
        }
      }
      const swept = blobs.sweep((name) => live.get(name) !== undefined)
      log.info({ jobs: live.size, swept }, 'queue recovered')
      return [...wanted]
    },

    async afterRedis() {
      await reader.caughtUp()
      const all = live.all().filter((entry) => entry.queued)
      const pipeline = commands.pipeline()
      for (const entry of all) pipeline.exists(queueKey(entry.model, entry.jobId))
      const found = (await pipeline.exec()) ?? []
      all.forEach((entry, i) => {
        if (found[i]?.[1] === 0) live.end(entry, new AppError('queue_unavailable', 'Redis lost the job: send the request again', { retryAfter: 1 }))
      })
    }
  }
}

function toJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return undefined
  }
}
