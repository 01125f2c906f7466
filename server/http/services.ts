import type { BundleDescription, BundleImportOrder, BundleImportStatus, TrustedSigner } from '#contracts/bundle.ts'
import type { ModelStatus } from '#contracts/model.ts'
import type { Policy } from '#contracts/policy.ts'
import type { PullStatus } from '#contracts/pull.ts'
import type { SignInLink } from '#contracts/session.ts'
import type { GarbageReport, RemovedReply, VerificationStatus } from '#contracts/store.ts'
import type { Fit, WeightsDescription } from '#contracts/weights.ts'
import type { Config } from '../config.ts'
import type { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { FitSettings } from '../models/fit/fit.ts'
import type { PlanEngine } from '../plans/plan-engine.ts'
import type { Toolboxes } from '../plans/tools/toolbox.ts'
import type { EventListener, JobHandle, QueueSnapshot, Submission } from '../queue/dispatcher.ts'
import type { KeyStore } from '../store/keys.ts'
import type { SessionStore } from '../store/sessions.ts'
import type { SignInLinks } from '../store/sign-in-links.ts'
import type { UsageStore } from '../store/usage.ts'
import type { Change } from './live/live-feed.ts'

export type { EventListener, JobHandle, LeaveReason, QueueSnapshot, Submission, WaitingJob } from '../queue/dispatcher.ts'
export type { Change } from './live/live-feed.ts'

/** What the HTTP room is given; `compose.ts` makes it. */
export type HttpServices = {
  config: Config
  log: Log
  keys: KeyStore
  sessions: SessionStore
  signInLinks: SignInLinks
  /** A fresh one, with this server's address. */
  signInLink(): SignInLink
  /** Folder of the built console; undefined: it was not built. */
  consoleFolder: string | undefined
  usage: UsageStore
  /** Calls back when models, queues, pulls or plans changed. Returns how to stop that. */
  onChange(listener: (change: Change) => void): () => void
  models: {
    /** Every model of the catalogue and the disk. */
    list(): ModelStatus[]
    /** By id or alias. Throws `model_not_found` with near names. */
    resolve(name: string): ModelStatus
    /** Starts a pull, or joins the running one. Progress is seen in `list()`. */
    pull(id: string): Promise<void>
    /** Begins a pull by name or place; resolves when it is clear of what. Throws `model_not_found`, `invalid_request`, `weights_unavailable`. */
    order(name: string, options: { limitRate?: number | undefined }): Promise<{ model: string; done: Promise<unknown> }>
    readonly pulls: {
      list(): PullStatus[]
      find(model: string): PullStatus | undefined
      /** False: none runs. */
      stop(model: string): boolean
      /** Calls back at once and with every change. Returns how to stop that. */
      follow(model: string, listener: (status: PullStatus) => void): () => void
    }
    /** Where a file with this hash would lie. */
    blobPath(sha256: string): string
    load(id: string): Promise<void>
    unload(id: string): Promise<void>
    /** What its headers say. Throws `model_not_ready` when its weights are not here. */
    describe(id: string): Promise<WeightsDescription>
    /** Whether it fits this machine now. */
    fit(id: string, settings: FitSettings): Promise<Fit>
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
  /** Bundles on the server's machine. */
  bundles: {
    inspect(path: string): Promise<BundleDescription>
    /** Resolves when it is under way. Throws what speaks against it. */
    start(order: BundleImportOrder, by: string): Promise<BundleImportStatus>
    status(): BundleImportStatus | null
    signers(): TrustedSigner[]
  }
  upkeep: {
    /** Throws `model_not_found`, `conflict`. */
    remove(name: string): RemovedReply
    adopt(path: string, name?: string): Promise<string>
    collectGarbage(options: { olderThanDays: number; dryRun: boolean }): Promise<GarbageReport>
    /** Resolves when it is done. */
    verify(name?: string): Promise<void>
    verification(): VerificationStatus
    setPinned(name: string, pinned: boolean, by: string): { model: string; pinned: boolean }
    policy(): Policy
    setPolicy(policy: Policy, by: string): Policy
  }
  plans: PlanEngine
  /** Tools that became services of a project. */
  toolboxes: Omit<Toolboxes, 'host' | 'close'>
  /** Undefined: can serve now. Otherwise why not. */
  notReady(): AppError | undefined
}
