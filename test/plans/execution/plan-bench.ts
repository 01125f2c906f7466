import { pino } from 'pino'
import type { LoggedPlanEvent, Plan, PlanRecord, PlanTask, Service } from '#contracts/plan.ts'
import { createRunner, type Runner } from '../../../server/plans/execution/runner.ts'
import type { ServiceHost, TaskMessage, TaskRequest } from '../../../server/plans/services/service-host.ts'
import { type Database, openDatabase } from '../../../server/store/database.ts'
import { createPlanStore, fromLogEntry, type PlanStore } from '../../../server/store/plans.ts'

export type Bench = {
  db: Database
  store: PlanStore
  runner: Runner
  /** What services were sent, in order. */
  sent: TaskRequest[]
  stopped: string[]
  ended: PlanRecord[]
  failures: { taskId: string; status: string; failure: string }[]
  events: LoggedPlanEvent[]
  /** Who is connected; all of them when it is not given. */
  away: Set<string>
  /** Names of the instances that are connected, and which of them gets what is sent; undefined: there is only one. */
  instances: { here: Set<string>; next: string | null | undefined }
  services: Map<string, Service>
  /** What the wall's clock is ahead of time itself. */
  clock: { jump: number }
  start(plan: Plan, change?: Partial<PlanRecord>): PlanRecord
  /** Answers a request. */
  answer(request: TaskRequest, message: Answer): void
  log(planId: string): LoggedPlanEvent[]
  record(planId: string): PlanRecord
}

export type Answer =
  | { type: 'accepted' }
  | { type: 'interim'; messageId: string; data: unknown }
  | { type: 'completed'; output?: unknown; compensation?: { data: unknown; ttlMs: number }; raw?: unknown }
  | { type: 'failed'; error: string }
  | { type: 'aborted'; payload: unknown }

export function service(id: string, more: Partial<Service> = {}): Service {
  return {
    id,
    projectId: 'p_test',
    kind: 'service',
    name: `service-${id}`,
    description: `does ${id}`,
    input: { type: 'object', properties: { in: { type: 'string' } }, required: [] },
    output: { type: 'object', properties: { out: { type: 'string' } } },
    revertible: false,
    approval: false,
    version: 1,
    origin: 'connected',
    registeredAt: 0,
    ...more
  }
}

export function task(id: string, input: Record<string, string>, more: Partial<PlanTask> = {}): PlanTask {
  return { id, service: `s_${id}`, serviceVersion: 1, input, approval: false, ...more }
}

export function plan(...tasks: PlanTask[]): Plan {
  return { taskZero: { text: 'hello' }, tasks, parallelGroups: [] }
}

/** task1 → task2 → …, each given what the one before it made. */
export function chain(length: number): Plan {
  return plan(...Array.from({ length }, (_, i) => task(`task${i + 1}`, { in: i === 0 ? '$task0.text' : `$task${i}.out` })))
}

/** A runner on a real database, with services that answer when they are told to. Time is the test's (`t.mock.timers`). */
export function createBench(options: { file: string; services?: Service[]; store?: (store: PlanStore) => PlanStore; steady?: () => number }): Bench {
  const db = openDatabase(options.file)
  const store = options.store?.(createPlanStore(db)) ?? createPlanStore(db)
  const clock = { jump: 0 }
  const wall = () => Date.now() + clock.jump
  const services = new Map(options.services?.map((entry) => [entry.id, entry]))
  const serviceOf = (id: string) => services.get(id) ?? service(id)
  const sent: TaskRequest[] = []
  const stopped: string[] = []
  const ended: PlanRecord[] = []
  const failures: Bench['failures'] = []
  const events: LoggedPlanEvent[] = []
  const away = new Set<string>()
  const instances: Bench['instances'] = { here: new Set(), next: undefined }
  let made = 0
  const host: ServiceHost = {
    isHealthy: ({ id }) => !away.has(id),
    send(_service, request) {
      sent.push(request)
      return true
    },
    place: () => instances.next,
    hasInstance: (_service, name) => instances.here.has(name),
    stop: (_service, executionId) => void stopped.push(executionId)
  }
  const runner = createRunner({
    store,
    host,
    serviceAt: (id) => serviceOf(id),
    onEnd: (record) => void ended.push(record),
    onCompensationFailure: ({ taskId, status, failure }) => void failures.push({ taskId, status, failure }),
    onOutbox: () => {},
    onEvents: (_planId, more) => void events.push(...more),
    newExecutionId: () => `e_${++made}_${wall()}`,
    log: pino({ level: 'silent' }),
    wall,
    steady: options.steady ?? (() => Date.now()),
    random: () => 0.5
  })
  let plans = 0
  return {
    db,
    store,
    runner,
    sent,
    stopped,
    ended,
    failures,
    events,
    away,
    instances,
    services,
    clock,
    start(made, change = {}) {
      const record: PlanRecord = {
        id: `o_${++plans}_${wall()}`,
        projectId: 'p_test',
        clientId: 'local',
        action: 'do it',
        data: [],
        approval: [],
        status: 'pending',
        plan: null,
        cache: null,
        grounding: null,
        warnings: [],
        results: null,
        failure: null,
        abortPayload: null,
        timeoutMs: 30_000,
        gracePeriodMs: 1_800_000,
        deadlineAt: null,
        createdAt: wall(),
        changedAt: wall(),
        ...change
      }
      const number = store.create(record)
      return runner.start({ number, record, compensation: null, settled: false }, made, {})
    },
    answer(request, message) {
      const owner = request.kind === 'task' || request.kind === 'compensation' ? `s_${request.taskId}` : ''
      const serviceId = store.find('p_test', request.planId).record.plan?.tasks.find(({ id }) => id === request.taskId)?.service ?? owner
      const { executionId, idempotencyKey, taskId } = request
      runner.onMessage({ raw: null, output: undefined, ...message, serviceId, executionId, idempotencyKey, taskId } as TaskMessage) // Answer is TaskMessage without these.
    },
    log: (planId) => store.entries(store.find('p_test', planId).number).map(fromLogEntry),
    record: (planId) => store.find('p_test', planId).record
  }
}
