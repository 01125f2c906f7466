import type { ChatRequest, EmbedRequest } from '#contracts/chat.ts'
import type { SequencedEvent } from '#contracts/event.ts'
import type { Lane } from '#contracts/job.ts'
import type { Client } from '#contracts/key.ts'
import type { ModelStatus } from '#contracts/model.ts'
import type { Config } from '../config.ts'
import type { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { KeyStore } from '../store/keys.ts'
import type { UsageStore } from '../store/usage.ts'

/** A request ready for the queue. `model` inside the request is already a known model's id. */
export type Submission = {
  client: Client
  lane: Lane
  /** Within the lane, lower runs first; 0 is usual. */
  priority: number
  requestId: string
  detached: boolean
} & ({ kind: 'chat'; request: ChatRequest } | { kind: 'embed'; request: EmbedRequest })

/** Gets the events of one tick, in order. The last event of a job is the last one it is ever called with. Must not throw. */
export type EventListener = (events: SequencedEvent[]) => void

/** A job somebody reads. */
export type JobHandle = {
  readonly jobId: string
  /** The reader left or was cut off: stops the job unless it is detached. No more events after this. */
  leave(reason: 'client_gone' | 'client_too_slow' | 'key_revoked'): void
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

/** What the HTTP room is given; `compose.ts` makes it. */
export type HttpServices = {
  config: Config
  log: Log
  keys: KeyStore
  usage: UsageStore
  models: {
    /** Every model of the catalogue and the disk. */
    list(): ModelStatus[]
    /** By id or alias. Throws `model_not_found` with near names. */
    resolve(name: string): ModelStatus
    /** Starts a pull, or joins the running one. Progress is seen in `list()`. */
    pull(id: string): Promise<void>
    load(id: string): Promise<void>
    unload(id: string): Promise<void>
  }
  jobs: {
    /** Queues a job; resolves when Redis has it. Throws `queue_full`, `model_not_ready`, `model_failed`, `queue_unavailable`. */
    submit(submission: Submission, listener: EventListener): Promise<JobHandle>
    /** Goes on reading a detached job after event `afterSeq` (-1: from the start). Throws `not_found`; `forbidden` is the caller's to decide by `clientId`. */
    follow(jobId: string, afterSeq: number, listener: EventListener): Promise<JobHandle & { clientId: string }>
    /** Ends a waiting or running job as `cancelled`. False: there is none. */
    cancel(jobId: string): Promise<boolean>
    queues(): Promise<QueueSnapshot[]>
  }
  /** Undefined: can serve now. Otherwise why not. */
  notReady(): AppError | undefined
}
