import type { Json, JsonObject, PlanRecord, PlanTask, Service } from '#contracts/plan.ts'
import type { PlanInspection } from '../plan-engine.ts'
import type { WireStatus } from '../protocol/statuses.ts'
import { eventsByTask, serviceOf, type TaskEvent } from './plan-parts.ts'
import { shownInput } from './shown-input.ts'
import { statusHistory } from './status-history.ts'
import { toWireCompensation, type WireCompensation, type WireCompensationEntry } from './wire-compensation.ts'
import { wireError, wireResults } from './wire-outcome.ts'

/** A plan as the protocol's inspection shows it. Durations are nanoseconds, timestamps RFC 3339. */
export type WireInspection = {
  id: string
  status: WireStatus
  action: string
  timestamp: string
  error?: Json
  abortInfo?: { taskId?: string; serviceId?: string; serviceName?: string; payload: Json }
  tasks: WireTaskInspection[]
  results?: Json[]
  duration: number
}

export type WireTaskInspection = {
  id: string
  serviceId: string
  serviceName: string
  status: WireStatus
  statusHistory: {
    id: string
    orchestrationId: string
    taskId: string
    status: WireStatus
    timestamp: string
    serviceId?: string
    error?: string
  }[]
  input?: JsonObject
  output?: Json
  abortPayload?: Json
  error?: string
  duration: number
  interimResults?: { id: string; timestamp: string; data: Json }[]
  compensation?: WireCompensation
  compensationHistory?: WireCompensationEntry[]
  isRevertible: boolean
}

export type WireInspectionOptions = {
  /** Unix milliseconds. */
  now: number
  /** Attempts to take a task back. */
  maxCompensationAttempts: number
}

/**
 * What never ran has no tasks. `duration` of a task is from its first change of status to its last, of the plan from the request to its end or
 * until now.
 */
export function toWireInspection({ record, events, services }: PlanInspection, options: WireInspectionOptions): WireInspection {
  const { id, action, status, plan, createdAt, changedAt } = record
  const hasEnded = status !== 'pending' && status !== 'processing'
  const error = wireError(record)
  const header = {
    id,
    status,
    action,
    timestamp: toTimestamp(createdAt),
    ...(error === undefined ? {} : { error }),
    duration: toNanoseconds((hasEnded ? changedAt : options.now) - createdAt)
  }
  if (plan === null || status === 'not_actionable' || status === 'cancelled') return { ...header, tasks: [] }
  const byTask = eventsByTask(events)
  const results = wireResults(record)
  const abortInfo = status === 'aborted' ? toAbortInfo(record, plan.tasks, services) : undefined
  return {
    ...header,
    ...(abortInfo === undefined ? {} : { abortInfo }),
    tasks: plan.tasks.map((task) => toTask(record, task, plan.taskZero, byTask.get(task.id) ?? [], serviceOf(task, services), options)),
    ...(results === null ? {} : { results })
  }
}

function toTask(
  record: PlanRecord,
  task: PlanTask,
  taskZero: JsonObject,
  events: readonly TaskEvent[],
  service: Service | undefined,
  { maxCompensationAttempts }: WireInspectionOptions
): WireTaskInspection {
  const history = statusHistory(events)
  const [first] = history
  const last = history.at(-1)
  const ends: { output?: Json; abortPayload?: Json } = {}
  const interimResults: WireTaskInspection['interimResults'] = []
  for (const event of events) {
    if (event.type === 'task-completed') ends.output = event.output
    else if (event.type === 'task-aborted') ends.abortPayload = event.payload
    else if (event.type === 'task-interim') interimResults.push({ id: event.id, timestamp: toTimestamp(event.at), data: event.data })
  }
  const compensation = toWireCompensation(record, task.id, events, maxCompensationAttempts)
  return {
    id: task.id,
    serviceId: task.service,
    serviceName: service?.name ?? task.service,
    status: last?.status ?? 'pending',
    statusHistory: history.map(({ status, at, offset, error }) => ({
      id: `evt_${task.id}_${offset}`,
      orchestrationId: record.id,
      taskId: task.id,
      status,
      timestamp: toTimestamp(at),
      serviceId: task.service,
      ...(error === undefined ? {} : { error })
    })),
    input: shownInput(task.input, taskZero),
    ...ends,
    ...(last?.error === undefined ? {} : { error: last.error }),
    duration: first === undefined || last === undefined ? 0 : toNanoseconds(last.at - first.at),
    ...(interimResults.length === 0 ? {} : { interimResults }),
    ...(compensation === undefined ? {} : { compensation: compensation.now, compensationHistory: compensation.history }),
    isRevertible: service?.revertible ?? false
  }
}

/** Of a plan that a person aborted, only what was said of it. */
function toAbortInfo({ failure, abortPayload }: PlanRecord, tasks: readonly PlanTask[], services: readonly Service[]): WireInspection['abortInfo'] {
  const task = tasks.find(({ id }) => id === failure?.task)
  if (task === undefined) return { payload: abortPayload }
  return { taskId: task.id, serviceId: task.service, serviceName: serviceOf(task, services)?.name ?? task.service, payload: abortPayload }
}

function toTimestamp(at: number): string {
  return new Date(at).toISOString()
}

/** A clock that was set back makes nothing take less than no time. */
function toNanoseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1_000_000))
}
