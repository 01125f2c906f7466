import assert from 'node:assert/strict'
import { z } from 'zod'
import { Json, JsonObject, type LoggedPlanEvent, PlanEvent, type PlanRecord, PlanStatus, type PlanTask, type Service } from '#contracts/plan.ts'
import { toWireInspection, type WireTaskInspection } from '../../../server/plans/views/wire-inspection.ts'
import type { Check } from '../run.ts'

const Entry = z.looseObject({
  entryType: z.string(),
  taskId: z.string().optional(),
  id: z.string().optional(),
  value: Json.optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  at_minute: z.number().optional()
})
type Entry = z.infer<typeof Entry>
const Input = z.object({
  orchestration: z.object({
    id: z.string(),
    project: z.string(),
    action: z.string(),
    status: PlanStatus,
    task_zero: JsonObject,
    services: z.array(z.object({ id: z.string(), name: z.string(), revertible: z.boolean() })),
    plan: z.object({ tasks: z.array(z.object({ id: z.string(), service: z.string(), input: JsonObject })) }).nullish(),
    error: z.string().optional()
  }),
  log: z.array(Entry)
})
type Orchestration = z.infer<typeof Input>['orchestration']

const minuteMs = 60_000
const maxCompensationAttempts = 10

export const check: Check = (input, expected) => {
  const { orchestration, log } = Input.parse(input)
  const events = toEvents(log)
  const record = toRecord(orchestration, events.at(-1)?.at ?? 0)
  const view = toWireInspection(
    { record, events, services: orchestration.services.map(toService) },
    { now: record.changedAt, maxCompensationAttempts }
  )
  assertContains({ ...view, tasks: view.tasks.map(inVectorWords) }, expected, 'inspection')
}

/** The vectors name only the statuses of a history, and give durations in minutes. */
function inVectorWords(task: WireTaskInspection) {
  return { ...task, statusHistory: task.statusHistory.map(({ status }) => status), duration_minutes: task.duration / 1e6 / minuteMs }
}

/** What is expected stands there; there may be more. */
function assertContains(actual: unknown, expected: unknown, path: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${path} is a list`)
    assert.equal(actual.length, expected.length, `length of ${path}`)
    for (const [index, item] of expected.entries()) assertContains(actual[index], item, `${path}[${index}]`)
  } else if (typeof expected === 'object' && expected !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${path} is an object`)
    for (const [key, value] of Object.entries(expected)) assertContains(Reflect.get(actual, key), value, `${path}.${key}`)
  } else {
    assert.deepEqual(actual, expected, path)
  }
}

function toRecord({ id, project, action, status, task_zero, plan, error }: Orchestration, changedAt: number): PlanRecord {
  const tasks = plan?.tasks.map(
    (task): PlanTask => ({
      id: task.id,
      service: task.service,
      serviceVersion: 1,
      // The planner makes strings only; a view shows whatever stands there.
      input: task.input as Record<string, string>,
      approval: false
    })
  )
  return {
    id,
    projectId: project,
    clientId: '',
    action,
    data: [],
    approval: [],
    status,
    plan: tasks === undefined ? null : { taskZero: task_zero, tasks, parallelGroups: [] },
    cache: null,
    grounding: null,
    warnings: [],
    results: null,
    failure: error === undefined ? null : { code: status === 'not_actionable' ? 'not_actionable' : 'planning_failed', message: error },
    abortPayload: null,
    timeoutMs: 30_000,
    gracePeriodMs: 1_800_000,
    deadlineAt: null,
    createdAt: 0,
    changedAt
  }
}

function toService({ id, name, revertible }: Orchestration['services'][number]): Service {
  return {
    id,
    projectId: '',
    kind: 'service',
    name,
    description: '',
    input: { type: 'object' },
    output: { type: 'object' },
    revertible,
    approval: false,
    version: 1,
    origin: 'connected',
    registeredAt: 0
  }
}

/** The original's log in ours, in the order of time. It writes a task's result and its last status apart, we write them together. */
function toEvents(log: readonly Entry[]): LoggedPlanEvent[] {
  const dated: { entry: Entry; minute: number }[] = []
  for (const entry of log) dated.push({ entry, minute: entry.at_minute ?? dated.at(-1)?.minute ?? 0 })
  dated.sort((one, other) => one.minute - other.minute)
  return dated
    .flatMap(({ entry, minute }) => {
      const event = toEvent(entry, log)
      return event === undefined ? [] : [{ event: PlanEvent.parse(event), at: minute * minuteMs }]
    })
    .map(({ event, at }, offset) => ({ ...event, offset, at }))
}

function toEvent(entry: Entry, log: readonly Entry[]): Record<string, unknown> | undefined {
  const task = entry.taskId ?? entry.id?.replace(/^(interim|aborted|task_fail|comp_data|comp_attempt|comp_complete|comp_fail)_/, '') ?? ''
  const of = (entryType: string) => log.find((other) => other.entryType === entryType && (other.taskId ?? other.id)?.endsWith(task))?.value
  switch (entry.entryType) {
    case 'task_status':
      return toStatusEvent(task, entry, of)
    case 'task_interim_output':
      return { type: 'task-interim', task, id: entry.id ?? '', data: entry.value ?? null }
    case 'compensation_attempted':
      return { type: 'compensation-sent', task, attempt: 1, executionId: 'e', idempotencyKey: 'k' }
    case 'compensation_complete':
      return { type: 'compensation-completed', task }
    case 'compensation_partial':
      return { type: 'compensation-partial', task, completed: [], remaining: [] }
    case 'compensation_failure':
      return { type: 'compensation-failed', task, error: entry.error ?? '', attempts: maxCompensationAttempts }
    case 'compensation_expired':
      return { type: 'compensation-expired', task, error: entry.error ?? '', attempts: maxCompensationAttempts }
    // These say nothing beside the status that goes with them.
    case 'task_output':
    case 'task_aborted_output':
    case 'task_failure':
    case 'compensation_stored':
      return undefined
    default:
      throw new Error(`the log has no ${entry.entryType}`)
  }
}

function toStatusEvent(task: string, { status, error }: Entry, of: (entryType: string) => Json | undefined): Record<string, unknown> {
  switch (status) {
    case 'processing':
      return { type: 'task-sent', task, attempt: 1, executionId: 'e', idempotencyKey: 'k' }
    case 'paused':
      return { type: 'task-paused', task, id: 'pause', reason: '' }
    case 'failed':
      return { type: 'task-attempt-failed', task, attempt: 1, error: error ?? '', timedOut: false }
    case 'completed':
      return { type: 'task-completed', task, output: of('task_output') ?? null }
    case 'aborted':
      return { type: 'task-aborted', task, payload: of('task_aborted_output') ?? null }
    case 'cancelled':
      return { type: 'task-stopped', task, reason: '' }
    default:
      throw new Error(`a task is never ${status} here`)
  }
}
