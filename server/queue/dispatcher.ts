import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Job as BullJob, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import { isLastEvent, type JobEvent, type SequencedEvent } from '#contracts/event.ts'
import { type Lane, QueuedJob, type Receipt } from '#contracts/job.ts'
import type { Client } from '#contracts/key.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type BlobStore, isLarge } from './blobs.ts'
import { toQueuePriority } from './lanes.ts'
import { cancelChannel, historyKey, modelOfQueue, queueKey, queueName, queuesKey } from './queue-names.ts'
import { keyPrefix } from './redis.ts'
import { decodeReplies, encodeReplies, type ReplyEntry } from './reply-codec.ts'
import { startReplyReader } from './reply-reader.ts'

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

/** Gets the events of one tick, in order. The last event of a job is the last one it is ever called with. Must not throw. */
export type EventListener = (events: SequencedEvent[]) => void

export type LeaveReason = 'client_gone' | 'client_too_slow' | 'key_revoked'

/** A job somebody reads. */
export type JobHandle = {
  readonly jobId: string
  /** The reader left or was cut off: stops the job unless it is detached. No more events after this. */
  leave(reason: LeaveReason): void
}

export type WaitingJob = {
  jobId: string
  clientId: string
  kind: string
  lane: Lane
  state: 'waiting' | 'running'
  position: number | null
  etaMs: number | null
  submittedAt: number
}
export type QueueSnapshot = { model: string; waiting: number; running: number; slots: number; lanes: Record<Lane, number>; jobs: WaitingJob[] }

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
  /** A worker's process ended: its jobs run again when nothing was sent yet, else end with `worker_lost`. */
  workerLost(model: string, workerId: string): Promise<void>
  /** Ends every waiting job of a model that cannot be served. */
  giveUp(model: string, error: AppError): Promise<void>
  /** After a start: what a predecessor of this gateway left. Returns the models for which detached jobs wait. */
  recover(): Promise<string[]>
  /** Jobs of this gateway that have not ended. */
  inFlight(): number
  /** Those of them that wait for this model. */
  waitingFor(model: string): number
  close(): Promise<void>
}

/** Runs of one job at most: a request that kills its worker must not kill all of them for ever. */
const mostAttempts = 3
const positionEveryMs = 500
/** A Redis that is being started again is waited for this long, before a request is refused. */
const restartMs = 5000

type Live = {
  readonly jobId: string
  readonly model: string
  readonly job: Omit<QueuedJob, 'request'>
  listeners: Set<EventListener>
  seq: number
  attempt: number
  started: boolean
  /** Something a reader would notice twice if the job ran again. */
  contentSent: boolean
  left: LeaveReason | 'cancelled' | undefined
  blob: boolean
  /** Redis has it. */
  queued: boolean
}

/** The gateway's side of the queue. */
export function createDispatcher(options: {
  gateway: string
  /** Fails fast: used for everything that must answer now. */
  commands: Redis
  /** Blocks in the reply stream. */
  blocking: Redis
  blobs: BlobStore
  maxQueue: number
  slotsOf: (model: string) => number
  onReceipt: (receipt: Receipt) => void
  log: Log
}): Dispatcher {
  const { gateway, commands, blobs, log, slotsOf } = options
  const live = new Map<string, Live>()
  const queues = new Map<string, Queue>()
  const waiting = new Map<string, number>()
  /** Milliseconds a job of this model runs, smoothed; for estimating waits. */
  const runMs = new Map<string, number>()

  const queueOf = (model: string): Queue => {
    let queue = queues.get(model)
    if (queue === undefined) {
      queue = new Queue(queueName(model), {
        connection: commands,
        prefix: keyPrefix,
        skipWaitingForReady: true,
        // `checkRedis` has done it.
        skipVersionCheck: true,
        defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
        streams: { events: { maxLen: 0 } }
      })
      queue.on('error', () => {})
      queues.set(model, queue)
      commands.sadd(queuesKey, queueName(model)).catch(() => queues.delete(model))
    }
    return queue
  }
  const changeWaiting = (model: string, by: number) => waiting.set(model, Math.max(0, (waiting.get(model) ?? 0) + by))

  const deliver = (entry: Live, events: JobEvent[]) => {
    const sequenced = events as SequencedEvent[]
    for (const event of sequenced) {
      event.jobId = entry.jobId
      event.seq = entry.seq++
      switch (event.type) {
        case 'generation-start':
          if (!entry.started) {
            entry.started = true
            changeWaiting(entry.model, -1)
          }
          break
        case 'sequence-start':
        case 'warning':
          break
        default:
          entry.contentSent = true
      }
    }
    for (const listener of entry.listeners) listener(sequenced)
    const last = events.at(-1)
    if (last !== undefined && isLastEvent(last)) forget(entry)
  }

  const forget = (entry: Live) => {
    live.delete(entry.jobId)
    if (!entry.started) changeWaiting(entry.model, -1)
    if (entry.blob) void blobs.remove(entry.jobId)
  }

  /** Events that only tell how the waiting goes: not kept, not counted, seq -1. */
  const tell = (entry: Live, event: JobEvent) => {
    if (entry.listeners.size === 0) return
    const events: SequencedEvent[] = [{ ...event, jobId: entry.jobId, seq: -1 }]
    for (const listener of entry.listeners) listener(events)
  }

  const book = (receipt: Receipt, entry: Live | undefined) => {
    if (entry?.left !== undefined && receipt.errorCode === null) receipt.errorCode = entry.left
    const ran = receipt.totalMs - receipt.queueMs
    if (receipt.errorCode === null) runMs.set(receipt.model, ran * 0.2 + (runMs.get(receipt.model) ?? ran) * 0.8)
    options.onReceipt(receipt)
  }

  /** Ends a job that no worker will end any more. */
  const endHere = (entry: Live, error: AppError) => {
    if (!live.has(entry.jobId)) return
    const now = Date.now()
    const event: JobEvent = {
      type: 'error',
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter })
    }
    if (entry.job.detached) {
      const record: ReplyEntry = { jobId: entry.jobId, attempt: entry.attempt, seq: entry.seq, events: [event], receipt: undefined }
      commands
        .multi()
        .xadd(historyKey(entry.jobId), '*', 'r', encodeReplies([record]))
        .pexpire(historyKey(entry.jobId), 2 * 60_000)
        .exec()
        .catch(() => {})
    }
    book(
      {
        jobId: entry.jobId,
        requestId: entry.job.requestId,
        kind: entry.job.kind,
        clientId: entry.job.clientId,
        model: entry.model,
        lane: entry.job.lane,
        submittedAt: entry.job.submittedAt,
        usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 },
        queueMs: now - entry.job.submittedAt,
        ttftMs: null,
        totalMs: now - entry.job.submittedAt,
        finishReason: null,
        errorCode: error.code
      },
      entry
    )
    deliver(entry, [event])
  }

  const onReplies = (entries: ReplyEntry[]) => {
    for (const reply of entries) {
      const entry = live.get(reply.jobId)
      // A worker we gave up (its attempt is over) may still speak: nobody shall hear it twice.
      if (entry !== undefined && reply.attempt < entry.attempt) continue
      if (reply.receipt !== undefined) book(reply.receipt, entry)
      if (entry === undefined) continue
      const known = entry.seq - reply.seq
      const fresh = known <= 0 ? reply.events : reply.events.slice(known)
      if (fresh.length > 0) deliver(entry, fresh)
    }
  }

  const reader = startReplyReader({ gateway, blocking: options.blocking, commands, onReplies, log })

  /** Takes a job out of BullMQ's active list, where a dead worker left it. */
  const dropActive = async (queue: Queue, jobId: string) => {
    const job = await BullJob.fromId(queue, jobId)
    if (job === undefined) return
    const token = await commands.get(`${queueKey(modelOfQueue(queue.name), jobId)}:lock`)
    await job.moveToFailed(new Error('worker lost'), token ?? '0')
  }

  const runAgain = async (queue: Queue, entry: Live) => {
    const job = await BullJob.fromId(queue, entry.jobId)
    if (job === undefined) return endHere(entry, new AppError('worker_lost', 'the worker ended and the job with it: send the request again'))
    const lock = `${queueKey(entry.model, entry.jobId)}:lock`
    const token = (await commands.get(lock)) ?? 'recovered'
    // BullMQ moves only what is locked; after a machine that was off for long the lock has run out.
    await commands.set(lock, token, 'PX', 60_000)
    entry.attempt = (job.attemptsStarted ?? 0) + 1
    entry.seq = 0
    if (entry.started) {
      entry.started = false
      changeWaiting(entry.model, 1)
    }
    await job.moveToWait(token)
    // BullMQ puts it back without waking the workers that wait.
    await commands.zadd(queueKey(entry.model, 'marker'), 0, '0')
  }

  /** Tries again for as long as a restart of Redis takes. Throws what the last try threw. */
  const whileRestarting = async (attempt: () => Promise<unknown>) => {
    const deadline = Date.now() + restartMs
    for (;;) {
      try {
        await attempt()
        return
      } catch (error) {
        // BullMQ keeps the failure of a queue that was made while the connection was down.
        queues.clear()
        if ((error as Error).name === 'ReplyError' || Date.now() > deadline) throw error
        await delay(20)
      }
    }
  }

  const openHistory = (jobId: string, owner: string) =>
    commands
      .multi()
      .xadd(historyKey(jobId), '*', 'owner', owner)
      .pexpire(historyKey(jobId), 24 * 3600_000)
      .exec()

  const stopJob = async (entry: Live, error: AppError) => {
    try {
      // Both at once: the job is either still waiting, or some worker has it, or is just taking it (it remembers the message).
      const [removed] = await Promise.all([queueOf(entry.model).remove(entry.jobId), commands.publish(cancelChannel(entry.model), entry.jobId)])
      if (removed === 1) endHere(entry, error)
    } catch (cause) {
      log.warn({ jobId: entry.jobId, err: cause }, 'a job could not be stopped now, trying again')
      if (live.has(entry.jobId)) setTimeout(() => void stopJob(entry, error), 250).unref()
    }
  }

  const handleOf = (entry: Live, listener: EventListener): JobHandle => ({
    jobId: entry.jobId,
    leave(reason) {
      entry.listeners.delete(listener)
      if (entry.job.detached || !live.has(entry.jobId) || entry.left !== undefined) return
      entry.left = reason
      void stopJob(entry, new AppError(reason, 'the reader left before the job ran'))
    }
  })

  const addLive = (jobId: string, model: string, job: Omit<QueuedJob, 'request'>, listener: EventListener | undefined, blob: boolean): Live => {
    const entry: Live = {
      jobId,
      model,
      job,
      listeners: new Set(listener === undefined ? [] : [listener]),
      seq: 0,
      attempt: 1,
      started: false,
      contentSent: false,
      left: undefined,
      blob,
      queued: listener === undefined
    }
    live.set(jobId, entry)
    changeWaiting(model, 1)
    if (!ticking) startTicking()
    return entry
  }

  const etaMs = (model: string, position: number): number | null => {
    const each = runMs.get(model)
    return each === undefined ? null : Math.round((each * position) / Math.max(1, slotsOf(model)))
  }

  let ticking: NodeJS.Timeout | undefined
  const startTicking = () => {
    ticking = setInterval(() => {
      if (live.size === 0) {
        clearInterval(ticking)
        ticking = undefined
        return
      }
      tellPositions().catch(() => {})
    }, positionEveryMs)
    ticking.unref()
  }
  const tellPositions = async () => {
    const pending = [...live.values()].filter((entry) => !entry.started && entry.listeners.size > 0)
    if (pending.length === 0) return
    const pipeline = commands.pipeline()
    for (const entry of pending) pipeline.zrank(queueKey(entry.model, 'prioritized'), entry.jobId)
    const ranks = (await pipeline.exec()) ?? []
    pending.forEach((entry, i) => {
      const rank = ranks[i]?.[1]
      if (typeof rank === 'number' && !entry.started && live.has(entry.jobId)) {
        tell(entry, { type: 'job-queued', position: rank + 1, etaMs: etaMs(entry.model, rank + 1) })
      }
    })
  }

  /** A Redis that came back without our jobs (no append-only file) would let their readers wait for ever. */
  const reconcile = async () => {
    await reader.caughtUp()
    const all = [...live.values()].filter((entry) => entry.queued)
    const pipeline = commands.pipeline()
    for (const entry of all) pipeline.exists(queueKey(entry.model, entry.jobId))
    const found = (await pipeline.exec()) ?? []
    all.forEach((entry, i) => {
      if (found[i]?.[1] === 0) endHere(entry, new AppError('queue_unavailable', 'Redis lost the job: send the request again', { retryAfter: 1 }))
    })
  }
  commands.on('ready', () => {
    if (live.size > 0) reconcile().catch((error) => log.warn({ err: error }, 'jobs could not be compared with Redis'))
  })

  return {
    async submit(submission, listener) {
      const { model } = submission.request
      const already = waiting.get(model) ?? 0
      if (already >= options.maxQueue + slotsOf(model)) {
        const retryAfter = Math.max(1, Math.ceil((etaMs(model, already) ?? 5000) / 1000))
        throw new AppError('queue_full', `${already} requests wait for ${model}, the most allowed: try again in about ${retryAfter} s`, {
          retryAfter
        })
      }
      const jobId = randomBytes(12).toString('hex')
      const { kind, client, lane, requestId, detached, request } = submission
      const job = { kind, gateway, requestId, clientId: client.id, lane, submittedAt: Date.now(), detached }
      const blob = isLarge(request)
      const entry = addLive(jobId, model, job, listener, blob)
      try {
        if (blob) await blobs.write(jobId, request)
        if (detached) await whileRestarting(() => openHistory(jobId, client.id))
        const priority = toQueuePriority(lane, submission.priority)
        await whileRestarting(async () => {
          // A connection that broke in between says nothing of whether the job was taken; something heard of it does. Adding it again under
          // the same id changes nothing if it is there.
          if (entry.seq > 0 || !live.has(jobId)) return
          await queueOf(model).add(kind, { ...job, request: blob ? { blob: jobId } : request }, { jobId, priority })
        })
        entry.queued = true
      } catch (cause) {
        forget(entry)
        if (cause instanceof AppError) throw cause
        throw new AppError('queue_unavailable', 'Redis does not answer: the request was not taken; try again in a second', { cause, retryAfter: 1 })
      }
      return handleOf(entry, listener)
    },

    async follow(jobId, afterSeq, listener) {
      const held: SequencedEvent[] = []
      let historyRead = false
      let next = afterSeq + 1
      const forward = (events: SequencedEvent[]) => {
        const fresh = events.filter((event) => event.seq === -1 || event.seq >= next)
        const last = fresh.at(-1)
        if (last === undefined) return
        if (last.seq >= 0) next = last.seq + 1
        listener(fresh)
      }
      const attached: EventListener = (events) => (historyRead ? forward(events) : held.push(...events))
      const entry = live.get(jobId)
      entry?.listeners.add(attached)
      const lines = (await commands.xrange(historyKey(jobId), '-', '+')) as [string, string[]][]
      const clientId = lines[0]?.[1][0] === 'owner' ? lines[0][1][1] : undefined
      if (clientId === undefined) {
        entry?.listeners.delete(attached)
        throw new AppError('not_found', `no job ${jobId} whose events are kept: only detached jobs are, until two minutes after their end`)
      }
      // Handed on in a later turn, so that the caller has its handle (and may refuse the reader) before the first event.
      setImmediate(() => {
        historyRead = true
        if (entry !== undefined && !entry.listeners.has(attached) && live.has(jobId)) return
        const attempts = lines.slice(1).flatMap(([, fields]) => decodeReplies(fields[1] ?? ''))
        const newest = Math.max(0, ...attempts.map((line) => line.attempt))
        for (const line of attempts.filter((candidate) => candidate.attempt === newest)) {
          forward(line.events.map((event, i) => ({ ...event, jobId, seq: line.seq + i })))
        }
        forward(held)
      })
      return {
        jobId,
        clientId,
        leave() {
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

    async queues() {
      const names = await commands.smembers(queuesKey)
      return await Promise.all(
        names.sort().map(async (name) => {
          const model = modelOfQueue(name)
          const key = (part: string) => queueKey(model, part)
          const [ids, count, running] = await Promise.all([
            commands.zrange(key('prioritized'), '0', '999'),
            commands.zcard(key('prioritized')),
            commands.llen(key('active'))
          ])
          const own = [...live.values()].filter((entry) => entry.model === model)
          const lanes: Record<Lane, number> = { interactive: 0, normal: 0, batch: 0 }
          const rank = new Map(ids.map((id, i) => [id, i + 1]))
          const jobs = own.map((entry): WaitingJob => {
            const position = rank.get(entry.jobId) ?? null
            if (!entry.started) lanes[entry.job.lane]++
            return {
              jobId: entry.jobId,
              clientId: entry.job.clientId,
              kind: entry.job.kind,
              lane: entry.job.lane,
              submittedAt: entry.job.submittedAt,
              state: entry.started ? 'running' : 'waiting',
              position,
              etaMs: position === null ? null : etaMs(model, position)
            }
          })
          return { model, waiting: count, running, slots: slotsOf(model), lanes, jobs }
        })
      )
    },

    loading(model, percent) {
      for (const entry of live.values()) if (entry.model === model && !entry.started) tell(entry, { type: 'model-load', percent })
    },

    async workerLost(model, workerId) {
      const queue = queueOf(model)
      const active = await commands.lrange(queueKey(model, 'active'), 0, -1)
      const holders = await Promise.all(active.map((jobId) => commands.hget(queueKey(model, jobId), 'pb')))
      // What it wrote before it died must be heard first.
      await reader.caughtUp()
      for (const [i, jobId] of active.entries()) {
        if (holders[i] !== workerId) continue
        const entry = live.get(jobId)
        if (entry !== undefined && entry.left === undefined && !entry.contentSent && entry.attempt < mostAttempts) {
          log.warn({ jobId, attempt: entry.attempt }, 'worker lost before anything was sent: the job runs again')
          await runAgain(queue, entry)
          continue
        }
        await dropActive(queue, jobId)
        if (entry === undefined) continue
        const error =
          entry.left === undefined
            ? new AppError('worker_lost', 'the process that ran the model ended in the middle of the answer: send the request again', {
                retryAfter: 1
              })
            : new AppError(entry.left, 'the reader left')
        endHere(entry, error)
      }
    },

    async giveUp(model, error) {
      for (const entry of [...live.values()]) {
        if (entry.model !== model || entry.started) continue
        const removed = await queueOf(model)
          .remove(entry.jobId)
          .catch(() => 0)
        if (removed === 1) endHere(entry, error)
      }
    },

    async recover() {
      await reader.caughtUp()
      const wanted = new Set<string>()
      const names = await commands.smembers(queuesKey)
      for (const name of names) {
        const model = modelOfQueue(name)
        const queue = queueOf(model)
        const active = await commands.lrange(queueKey(model, 'active'), 0, -1)
        const prioritized = await commands.zrange(queueKey(model, 'prioritized'), '0', '-1')
        for (const jobId of [...active, ...prioritized]) {
          const isActive = active.includes(jobId)
          const data = await commands.hget(queueKey(model, jobId), 'data')
          const parsed = QueuedJob.safeParse(parseJson(data))
          if (!parsed.success) {
            log.error({ jobId }, 'a stored job could not be understood and was removed')
            await (isActive ? dropActive(queue, jobId) : queue.remove(jobId))
            continue
          }
          if (parsed.data.gateway !== gateway) continue
          const { request, ...job } = parsed.data
          const entry = addLive(jobId, model, job, undefined, 'blob' in request)
          const history = job.detached ? await readHistory(commands, jobId) : []
          for (const line of history) {
            entry.seq = line.seq + line.events.length
            entry.attempt = line.attempt
            entry.contentSent ||= line.events.some((event) => !['generation-start', 'sequence-start', 'warning'].includes(event.type))
          }
          const ended = history.some((line) => line.events.some(isLastEvent))
          if (ended) {
            await (isActive ? dropActive(queue, jobId) : queue.remove(jobId))
            forget(entry)
          } else if (!job.detached) {
            await (isActive ? dropActive(queue, jobId) : queue.remove(jobId))
            endHere(entry, new AppError('client_gone', 'the gateway ended, and the connection with it'))
          } else if (!isActive) {
            wanted.add(model)
          } else if (!entry.contentSent && entry.attempt < mostAttempts) {
            await runAgain(queue, entry)
            wanted.add(model)
          } else {
            await dropActive(queue, jobId)
            endHere(entry, new AppError('worker_lost', 'the server ended in the middle of the answer: send the request again'))
          }
        }
      }
      const swept = blobs.sweep((name) => live.has(name))
      log.info({ jobs: live.size, swept }, 'queue recovered')
      return [...wanted]
    },

    inFlight: () => live.size,
    waitingFor: (model) => waiting.get(model) ?? 0,

    async close() {
      clearInterval(ticking)
      await reader.stop()
      await Promise.all([...queues.values()].map((queue) => queue.close().catch(() => {})))
    }
  }
}

async function readHistory(redis: Redis, jobId: string): Promise<ReplyEntry[]> {
  const lines = (await redis.xrange(historyKey(jobId), '-', '+')) as [string, string[]][]
  return lines.slice(1).flatMap(([, fields]) => decodeReplies(fields[1] ?? ''))
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch (error) {
    return toAppError(error)
  }
}
