import { isLastEvent, type JobEvent, type SequencedEvent, type Usage } from '#contracts/event.ts'
import type { QueuedJob, Receipt } from '#contracts/job.ts'
import type { AppError } from '../errors.ts'
import type { BlobStore } from './blobs.ts'
import type { ReplyEntry } from './reply-codec.ts'

/** Gets the events of one tick, in order. The last event of a job is the last one it is ever called with. Must not throw. */
export type EventListener = (events: SequencedEvent[]) => void

export type LeaveReason = 'client_gone' | 'client_too_slow' | 'key_revoked'

/** A job of this gateway that has not ended. */
export type LiveJob = {
  readonly jobId: string
  readonly model: string
  readonly job: Omit<QueuedJob, 'request'>
  readonly listeners: Set<EventListener>
  /** Its request lies in the blob folder. */
  readonly blob: boolean
  /** Of the next event. */
  seq: number
  /** Counts its runs; what an earlier run still says is not heard. */
  attempt: number
  started: boolean
  /** Something a reader would notice twice if the job ran again. */
  contentSent: boolean
  /** Deltas heard of: what is booked when no worker is left to say what it cost. */
  deltas: number
  left: LeaveReason | 'cancelled' | undefined
  /** Redis has it. */
  queued: boolean
}

export type LiveJobs = {
  get(jobId: string): LiveJob | undefined
  all(): LiveJob[]
  readonly size: number
  add(job: Pick<LiveJob, 'jobId' | 'model' | 'job' | 'blob' | 'queued'> & { listener?: EventListener }): LiveJob
  /** It never came to be, or has ended unheard. */
  forget(entry: LiveJob): void
  /** What a worker sent: booked, numbered, handed to who listens. */
  hear(replies: ReplyEntry[]): void
  /** Tells who listens how the waiting goes: not kept, not counted, seq -1. */
  tell(entry: LiveJob, event: JobEvent): void
  /** Ends a job that no worker will end any more. */
  end(entry: LiveJob, error: AppError): void
  /** It will be run again by another worker. */
  restart(entry: LiveJob, attempt: number): void
  /** Jobs of this gateway that wait for the model. */
  waitingFor(model: string): number
  /** Jobs of this gateway that run on the model. */
  runningOn(model: string): number
  /** Milliseconds a job of this model runs, smoothed; undefined: none has ended yet. */
  runMsOf(model: string): number | undefined
  /** Milliseconds until a job at this place of the queue runs; null while nothing is known of the model. */
  etaMs(model: string, position: number): number | null
}

/** What this gateway knows of its own jobs. No Redis here: `dispatcher.ts` and `recovery.ts` move the jobs, this keeps account of them. */
export function createLiveJobs(options: {
  blobs: BlobStore
  slotsOf: (model: string) => number
  /** Why jobs of a model wait although nobody is before them, and how long that takes. */
  waitOf?: ((model: string) => { reason: string; ms: number | null } | undefined) | undefined
  /** The receipts of one message, to be booked together. */
  onReceipts: (receipts: Receipt[]) => void
  /** A detached job ended here, not by its worker: its history wants to know. */
  onEndedHere: (reply: ReplyEntry) => void
  /** A job came, began, went back or ended. */
  onChange?: (() => void) | undefined
}): LiveJobs {
  const live = new Map<string, LiveJob>()
  const waiting = new Map<string, number>()
  const running = new Map<string, number>()
  /** Milliseconds a job of this model runs, smoothed. */
  const runMs = new Map<string, number>()

  const change = (counts: Map<string, number>, model: string, by: number) => {
    counts.set(model, Math.max(0, (counts.get(model) ?? 0) + by))
    options.onChange?.()
  }

  const begin = (entry: LiveJob) => {
    if (entry.started) return
    entry.started = true
    change(waiting, entry.model, -1)
    change(running, entry.model, 1)
  }

  const forget = (entry: LiveJob) => {
    if (!live.delete(entry.jobId)) return
    change(entry.started ? running : waiting, entry.model, -1)
    if (entry.blob) void options.blobs.remove(entry.jobId)
  }

  const deliver = (entry: LiveJob, events: JobEvent[]) => {
    const sequenced = events as SequencedEvent[] // They become it here, in place: this is the path of every token.
    for (const event of sequenced) {
      event.jobId = entry.jobId
      event.seq = entry.seq++
      if (isContent(event)) {
        entry.contentSent = true
        entry.deltas++
      }
    }
    for (const listener of entry.listeners) listener(sequenced)
    const last = sequenced.at(-1)
    if (last !== undefined && isLastEvent(last)) forget(entry)
  }

  const complete = (receipt: Receipt, entry: LiveJob | undefined): Receipt => {
    if (entry?.left !== undefined && receipt.errorCode === null) receipt.errorCode = entry.left
    // Of a gateway that was killed: its clients went with it, and why the worker stopped was never asked.
    if (entry === undefined && receipt.finishReason === 'cancelled') receipt.errorCode ??= 'client_gone'
    if (receipt.errorCode === null) {
      const ran = receipt.totalMs - receipt.queueMs
      runMs.set(receipt.model, ran * 0.2 + (runMs.get(receipt.model) ?? ran) * 0.8)
    }
    return receipt
  }

  return {
    get: (jobId) => live.get(jobId),
    all: () => [...live.values()],
    get size() {
      return live.size
    },
    add({ listener, ...job }) {
      const entry: LiveJob = {
        ...job,
        listeners: new Set(listener === undefined ? [] : [listener]),
        seq: 0,
        attempt: 1,
        started: false,
        contentSent: false,
        deltas: 0,
        left: undefined
      }
      live.set(entry.jobId, entry)
      change(waiting, entry.model, 1)
      return entry
    },
    forget,
    hear(replies) {
      const receipts: Receipt[] = []
      for (const reply of replies) {
        const entry = live.get(reply.jobId)
        // A worker that was given up (its attempt is over) may still speak: nobody shall hear it twice.
        if (entry !== undefined && reply.attempt < entry.attempt) continue
        if (reply.receipt !== undefined) receipts.push(complete(reply.receipt, entry))
        if (entry === undefined) continue
        begin(entry)
        // What was heard before: read twice after a restart, or said again by a second run.
        const known = entry.seq - reply.seq
        const fresh = known <= 0 ? reply.events : reply.events.slice(known)
        if (fresh.length > 0) deliver(entry, fresh)
      }
      if (receipts.length > 0) options.onReceipts(receipts)
    },
    tell(entry, event) {
      if (entry.listeners.size === 0) return
      const events: SequencedEvent[] = [{ ...event, jobId: entry.jobId, seq: -1 }]
      for (const listener of entry.listeners) listener(events)
    },
    end(entry, error) {
      if (!live.has(entry.jobId)) return
      const event = toErrorEvent(error)
      if (entry.job.detached) options.onEndedHere({ jobId: entry.jobId, attempt: entry.attempt, seq: entry.seq, events: [event], receipt: undefined })
      options.onReceipts([complete(receiptOf(entry, error), entry)])
      deliver(entry, [event])
    },
    restart(entry, attempt) {
      entry.attempt = attempt
      if (!entry.started) return
      entry.started = false
      change(running, entry.model, -1)
      change(waiting, entry.model, 1)
    },
    waitingFor: (model) => waiting.get(model) ?? 0,
    runningOn: (model) => running.get(model) ?? 0,
    runMsOf: (model) => runMs.get(model),
    etaMs(model, position) {
      const each = runMs.get(model)
      const turn = each === undefined ? null : Math.round((each * position) / Math.max(1, options.slotsOf(model)))
      const wait = options.waitOf?.(model)
      if (wait === undefined) return turn
      return wait.ms === null ? null : wait.ms + (turn ?? 0)
    }
  }
}

/** Whether a reader would notice it twice. */
export function isContent(event: JobEvent): boolean {
  return event.type !== 'generation-start' && event.type !== 'sequence-start' && event.type !== 'warning'
}

export function toErrorEvent(error: AppError): JobEvent {
  return {
    type: 'error',
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter })
  }
}

/** What is known of the cost when the worker can no longer say: the deltas that came, each of them a token or a little more. */
function receiptOf({ jobId, model, job, deltas }: LiveJob, error: AppError): Receipt {
  const waited = Date.now() - job.submittedAt
  const usage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: deltas, reasoningTokens: 0 }
  return {
    jobId,
    requestId: job.requestId,
    kind: job.kind,
    clientId: job.clientId,
    model,
    lane: job.lane,
    submittedAt: job.submittedAt,
    usage,
    queueMs: waited,
    ttftMs: null,
    totalMs: waited,
    finishReason: null,
    errorCode: error.code
  }
}
