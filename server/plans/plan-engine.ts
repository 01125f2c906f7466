import type {
  CompensationFailure,
  Grounding,
  LoggedPlanEvent,
  PlanningAttempt,
  PlanOrder,
  PlanRecord,
  PlanStatus,
  Service,
  WebhookKind
} from '#contracts/plan.ts'
import type { CacheEntry, Delivery, PlanSummary, Project, Webhook } from '#contracts/plan-api.ts'
import type { PlanningProgress } from './planning/planner.ts'

/** As a service says who it is. Not yet checked. */
export type ServiceRegistration = {
  /** Of an earlier registration, to make a new version of it. */
  id?: string | null | undefined
  name: string
  description: string
  schema: { input: unknown; output: unknown }
  revertible: boolean
  approval?: boolean | undefined
}

/** One connection of a service instance. `send` never throws; what cannot be sent is lost with the connection. */
export type ServiceSocket = {
  send(text: string): void
  /** Protocol-level ping, answered by every WebSocket library by itself. */
  ping(): void
  close(code: number, reason: string): void
  /** Bytes not yet taken by the network. */
  readonly bufferedAmount: number
}
/** What the socket's owner calls. */
export type ServiceConnection = { onText(text: string): void; onPong(): void; onClose(): void }

/** Something for who follows a plan: its log as it grows, and how the planning goes. The last event says that it is settled. */
export type PlanNews =
  | { type: 'planning'; progress: PlanningProgress }
  | { type: 'log'; event: LoggedPlanEvent }
  /** `settled`: nothing more can happen to it, compensations included; the last news there is. */
  | { type: 'status'; record: PlanRecord; settled: boolean }

export type PlanPage = { plans: PlanSummary[] /** Give as `before` to go on. */; next: string | null }
/** A plan with all that is known of it: `services` are those of its tasks, in the versions it was made with. */
export type PlanInspection = { record: PlanRecord; events: LoggedPlanEvent[]; services: Service[] }

/** The plan engine as HTTP and the command line see it. Every call names the project of the caller; what is another project's is `not_found`. */
export type PlanEngine = {
  projects: {
    create(name: string): Project
    find(id: string): Project
    list(): Project[]
    /** Takes back one that was just made, with its webhooks. Throws `conflict` for the own one. */
    remove(id: string): void
    /** The project of callers whose key belongs to none. */
    readonly own: Project
  }
  services: {
    /** Throws `invalid_request` naming the field; `not_found` for an id that is not this project's. */
    register(projectId: string, kind: 'service' | 'agent', registration: ServiceRegistration): Service
    /** Connected ones first, then built-in tools; newest version each. */
    list(projectId: string): (Service & { healthy: boolean; instances: number })[]
    find(projectId: string, id: string): Service & { healthy: boolean; instances: number }
    remove(projectId: string, id: string): void
    /** A service's program came. Throws `not_found`. `instance`: the same after each reconnect of the same program, where that can be told. */
    connect(projectId: string, serviceId: string, client: { keyId: string; instance: string }, socket: ServiceSocket): ServiceConnection
  }
  /** Plans and starts. Resolves when tasks may run; rejects with `not_actionable` or `planning_failed`, whose `record` is kept. */
  run(projectId: string, clientId: string, order: PlanOrder, requestId: string, onAccepted?: (planId: string) => void): Promise<PlanRecord>
  plans: {
    list(projectId: string, options: { status?: PlanStatus; limit: number; before?: string }): PlanPage
    inspect(projectId: string, id: string): PlanInspection
    /** Those of a plan's tasks, in the versions it was made with. */
    servicesOf(record: PlanRecord): Service[]
    /** Prompts and answers of the planning, in order. */
    attempts(projectId: string, id: string): PlanningAttempt[]
    /** Calls back with everything from the start, then with what comes. Returns how to stop that. */
    follow(projectId: string, id: string, listener: (news: PlanNews[]) => void): () => void
    /** Throws `conflict` when it has ended. */
    abort(projectId: string, id: string, by: string, reason: string): PlanRecord
    /** Throws `conflict` when the task does not wait for it. */
    decide(projectId: string, id: string, task: string, decision: { approved: boolean; by: string; note?: string }): PlanRecord
  }
  groundings: {
    /** Throws `invalid_request` with `param`, `conflict` for a version that is there. */
    apply(projectId: string, grounding: unknown): Grounding
    list(projectId: string): Grounding[]
    /** False: there is none of that name. */
    remove(projectId: string, name: string): boolean
    removeAll(projectId: string): void
  }
  webhooks: {
    add(projectId: string, kind: WebhookKind, url: string): { webhook: Webhook; secret: string }
    list(projectId: string, kind?: WebhookKind): Webhook[]
    remove(projectId: string, id: string): void
    deliveries(projectId: string, options?: { planId?: string; limit?: number }): Delivery[]
    redeliver(projectId: string, deliveryId: string): void
  }
  compensationFailures: {
    /** Newest first. */
    list(projectId: string): CompensationFailure[]
    find(projectId: string, id: string): CompensationFailure
    settle(projectId: string, id: string, resolution: 'resolved' | 'ignored', reason: string): CompensationFailure
  }
  cache: { entries(projectId: string): CacheEntry[]; clear(projectId: string): number }
  /** A key lost its validity: its connections are closed. */
  keyRevoked(keyId: string): void
  close(): Promise<void>
}
