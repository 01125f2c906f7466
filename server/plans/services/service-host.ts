import type { Json, Service } from '#contracts/plan.ts'

/** A task, or the compensation of one, as it goes to a service. `taskId` is unique within a plan only. */
export type TaskRequest = {
  kind: 'task' | 'compensation'
  planId: string
  taskId: string
  /** Names this sending. */
  executionId: string
  /** Names the work: the same for every sending of it, so that a service does it once. */
  idempotencyKey: string
  /** Task: its inputs. Compensation: what the service stored with its result. */
  input: Json
  /** Compensations only. `payload`: the error or the abort payload that led to it. */
  compensationContext?: { orchestrationId: string; reason: 'failed' | 'aborted'; payload?: Json; timestamp: string }
  /** It was sent before and may be running or done: goes to the instance that had it, if that one is still there. */
  inDoubt: boolean
  /** The instance that had it, as `place` named it: how a process that did not send it knows. */
  instance?: string | undefined
}

/** A request, as far as it matters to whom it goes. */
export type Placement = Pick<TaskRequest, 'kind' | 'taskId' | 'executionId' | 'idempotencyKey' | 'inDoubt' | 'instance'>

/** What a service says of a request. `executionId` and `idempotencyKey` are as the service sent them, and checked by who receives this. */
export type TaskMessage = {
  /** Whose connection it came by: proved, unlike what the message says of itself. */
  serviceId: string
  executionId: string
  idempotencyKey: string
  taskId: string
  /** This engine does not remember having asked: it was before a restart, or long ago. The log knows. */
  unasked?: true
} & (
  | { type: 'accepted' }
  | { type: 'interim'; messageId: string; data: Json }
  /** `output` undefined: the service gave none. `compensation`: of revertible services. `raw`: of compensations, the whole result. */
  | { type: 'completed'; output: Json | undefined; compensation?: { data: Json; ttlMs: number }; raw: Json }
  | { type: 'failed'; error: string }
  | { type: 'aborted'; payload: Json }
)

/** How tasks reach those who carry them out. What comes back goes to the one listener. */
export type ServiceHost = {
  /** Whether a task sent now would arrive. */
  isHealthy(service: Service): boolean
  /** False: nobody is there to take it. */
  send(service: Service, request: TaskRequest): boolean
  /**
   * Decides which of several instances a request will be sent to, so that this can be written down before. `stop` takes it back. Undefined: there
   * is nothing to decide. null: it was decided, but that instance has the same name as another.
   */
  place?(service: Service, request: Placement): string | null | undefined
  /** Whether an instance of that name is here. */
  hasInstance?(service: Service, name: string): boolean
  /** The result is not wanted any more. Who cannot be told goes on; its result then comes late. */
  stop(service: Service, executionId: string): void
}

export type ServiceHostEvents = {
  onMessage: (message: TaskMessage) => void
  /** An instance came or the last one went. */
  onHealth: (serviceId: string, healthy: boolean) => void
  /** An instance went with these requests in its hands. */
  onInDoubt: (serviceId: string, executionIds: string[]) => void
}
