import type { CompensationData, Json, Plan, PlanEvent, PlanTask } from '#contracts/plan.ts'
import { dependenciesOf } from '../protocol/reference.ts'
import { abort, addInterim, begin, complete, type ExecutionRecord, fail, pause, renew, retry, takeInterim } from './execution-record.ts'

export type TaskPhase = 'waiting' | 'approval' | 'sent' | 'retrying' | 'paused' | 'completed' | 'failed' | 'aborted' | 'stopped'

/** A task as its plan's log tells it. Times are milliseconds of the clock that `advance` is asked with. */
export type TaskState = {
  readonly task: PlanTask
  readonly dependencies: readonly string[]
  phase: TaskPhase
  approved: boolean
  /** The work, from its first sending on. */
  execution: ExecutionRecord | undefined
  key: string | undefined
  /** Attempts that failed, one after another. */
  errors: number
  sentAt: number
  retryAt: number
  pausedAt: number
  pauses: number
  /** Who had it last, as its sending says. */
  instance: string | null | undefined
  output: Json | undefined
  error: string | undefined
  /** Whether the service said anything of the task since it was last sent. */
  heard: boolean
  /** Sendings, one after another, whose connection broke without a word. */
  losses: number
  stoppedAt: number
  /** A stopped task's result may still come, until then. */
  openUntil: number
}

/** The taking back of one task. */
export type CompensationState = {
  readonly task: PlanTask
  readonly data: Json
  readonly expiresAt: number
  readonly ttlMs: number
  /** Place in the order of completion. */
  readonly order: number
  phase: 'due' | 'sent' | 'retrying' | 'completed' | 'partial' | 'failed' | 'expired'
  key: string | undefined
  executionId: string | undefined
  /** Who had it last, as its sending says. */
  instance: string | null | undefined
  sendings: number
  /** Since when its last sending is in doubt; 0: it is not. */
  doubtfulSince: number
  errors: number
  sentAt: number
  retryAt: number
  error: string | undefined
}

export type PlanState = {
  readonly planId: string
  readonly plan: Plan
  readonly tasks: ReadonlyMap<string, TaskState>
  started: boolean
  end: { status: 'completed' | 'failed' | 'aborted'; at: number; payload: Json } | undefined
  /** Of everything that may have to be taken back, whether or not it comes to that. */
  readonly compensations: Map<string, CompensationState>
  /** When a compensation last moved, or the plan ended. */
  compensationAt: number
  /** What came and changed nothing, each once: `execution:outcome`. */
  readonly late: Set<string>
  readonly interim: Set<string>
  /** Length of the log. */
  offset: number
}

export function newPlanState(planId: string, plan: Plan): PlanState {
  const tasks = new Map(
    plan.tasks.map((task): [string, TaskState] => [
      task.id,
      {
        task,
        dependencies: dependenciesOf(task),
        phase: 'waiting',
        approved: false,
        execution: undefined,
        key: undefined,
        errors: 0,
        sentAt: 0,
        retryAt: 0,
        pausedAt: 0,
        pauses: 0,
        instance: undefined,
        output: undefined,
        error: undefined,
        heard: false,
        losses: 0,
        stoppedAt: 0,
        openUntil: 0
      }
    ])
  )
  return {
    planId,
    plan,
    tasks,
    started: false,
    end: undefined,
    compensations: new Map(),
    compensationAt: 0,
    late: new Set(),
    interim: new Set(),
    offset: 0
  }
}

/** What a task's reference stands for: the output of a task that is done, or task0. */
export function outputOf(state: PlanState, task: string): Json | undefined {
  return task === 'task0' ? state.plan.taskZero : state.tasks.get(task)?.output
}

/**
 * Whoever was taking a task back may have done so or not: it is asked again, under the same key and without counting an attempt. Not in the log,
 * because it follows from the end of a process.
 */
export function doubtCompensations(state: PlanState, at: number): void {
  for (const compensation of state.compensations.values()) {
    if (compensation.phase !== 'sent') continue
    compensation.phase = 'due'
    compensation.doubtfulSince = at
  }
}

/** Milliseconds a stopped task's result is waited for, beside the timeout of an attempt. */
export const lateMs = 30_000

/**
 * Takes an entry of the log in. The only place where a state changes. `at`: when it happened, by the clock that `advance` is asked with, which
 * need not be the wall's that the log shows. `timeoutMs`: of an attempt.
 */
export function applyEvent(state: PlanState, event: PlanEvent & { at: number }, at: number, timeoutMs: number): void {
  state.offset++
  switch (event.type) {
    case 'plan-started':
      state.started = true
      return
    case 'plan-completed':
      state.end = { status: 'completed', at, payload: null }
      return
    case 'plan-failed':
      state.end = { status: 'failed', at, payload: { id: state.planId, producer: event.failure.service ?? '', error: event.failure.message } }
      state.compensationAt = at
      return
    case 'plan-aborted':
      state.end = { status: 'aborted', at, payload: event.payload }
      state.compensationAt = at
      return
    case 'compensation-sent':
    case 'compensation-attempt-failed':
    case 'compensation-completed':
    case 'compensation-partial':
    case 'compensation-failed':
    case 'compensation-expired': {
      const compensation = state.compensations.get(event.task)
      if (compensation !== undefined) applyToCompensation(compensation, event, at)
      state.compensationAt = at
      return
    }
  }
  const entry = state.tasks.get(event.task)
  if (entry !== undefined) applyToTask(state, entry, event, at, timeoutMs)
}

type TaskEvent = Extract<PlanEvent, { task: string }>
type CompensationEvent = Extract<TaskEvent, { type: `compensation-${string}` }>
type Stamped<Event> = Event & { at: number }

function applyToTask(state: PlanState, entry: TaskState, event: Stamped<Exclude<TaskEvent, CompensationEvent>>, at: number, timeoutMs: number): void {
  const { execution } = entry
  switch (event.type) {
    case 'approval-requested':
      entry.phase = 'approval'
      return
    case 'approval-decided':
      entry.approved = event.approved
      entry.phase = 'waiting'
      return
    case 'task-sent':
      entry.execution =
        execution === undefined
          ? begin(undefined, event.executionId, at, timeoutMs).record
          : retry(pause(execution), event.executionId, at, timeoutMs)
      entry.key = event.idempotencyKey
      entry.instance = event.instance
      entry.phase = 'sent'
      entry.sentAt = at
      entry.heard = false
      return
    case 'task-accepted':
      noteHeard(entry)
      state.late.add(`${event.executionId}:accepted`)
      if (execution !== undefined) entry.execution = renew(execution, event.executionId, at, timeoutMs) ?? execution
      return
    case 'task-interim':
      noteHeard(entry)
      state.interim.add(event.id)
      if (execution !== undefined) entry.execution = addInterim(takeInterim(execution).record, event.data)
      return
    case 'task-paused':
      if (execution !== undefined) entry.execution = pause(execution)
      entry.phase = 'paused'
      entry.pausedAt = at
      entry.pauses++
      if (event.lost) entry.losses++
      return
    case 'task-attempt-failed':
      if (execution !== undefined) entry.execution = event.timedOut ? pause(execution) : fail(execution, event.error)
      entry.errors = event.attempt
      entry.error = event.error
      entry.phase = 'retrying'
      // Without a time there is no further attempt: the task's failure follows.
      entry.retryAt = event.retryAt === undefined ? Number.POSITIVE_INFINITY : at + event.retryAt - event.at
      return
    case 'task-completed':
      if (execution !== undefined) entry.execution = complete(pausedOf(execution), event.output)
      entry.output = event.output
      entry.phase = 'completed'
      if (event.compensation !== undefined) owe(state, entry.task, event.compensation, at)
      return
    case 'task-failed':
      entry.error = event.error
      entry.phase = 'failed'
      return
    case 'task-aborted':
      if (execution !== undefined) entry.execution = abort(pausedOf(execution), event.payload)
      entry.phase = 'aborted'
      return
    case 'task-stopped':
      entry.phase = 'stopped'
      entry.stoppedAt = at
      entry.openUntil = at + Math.max(timeoutMs, lateMs)
      return
    case 'late-result':
      state.late.add(`${event.executionId}:${event.outcome}`)
      if (event.compensation !== undefined) owe(state, entry.task, event.compensation, at)
      if (entry.phase === 'stopped') entry.openUntil = entry.stoppedAt
      return
  }
}

function noteHeard(entry: TaskState): void {
  entry.heard = true
  entry.losses = 0
}

function applyToCompensation(compensation: CompensationState, event: Stamped<CompensationEvent>, at: number): void {
  switch (event.type) {
    case 'compensation-sent':
      compensation.phase = 'sent'
      compensation.key = event.idempotencyKey
      compensation.executionId = event.executionId
      compensation.instance = event.instance
      compensation.sendings++
      compensation.doubtfulSince = 0
      compensation.sentAt = at
      return
    case 'compensation-attempt-failed':
      compensation.phase = 'retrying'
      compensation.errors = event.attempt
      compensation.error = event.error
      compensation.retryAt = event.retryAt === undefined ? Number.POSITIVE_INFINITY : at + event.retryAt - event.at
      return
    case 'compensation-completed':
      compensation.phase = 'completed'
      return
    case 'compensation-partial':
      compensation.phase = 'partial'
      return
    case 'compensation-failed':
      compensation.phase = 'failed'
      return
    case 'compensation-expired':
      compensation.phase = 'expired'
      return
  }
}

/** Its result counts also after a failure or a timeout: the service did the work after all. */
function pausedOf(execution: ExecutionRecord): ExecutionRecord {
  return execution.state === 'failed' ? { ...execution, state: 'paused' } : execution
}

function owe(state: PlanState, task: PlanTask, { data, ttlMs }: CompensationData, at: number): void {
  if (state.compensations.has(task.id)) return
  state.compensations.set(task.id, {
    task,
    data,
    ttlMs,
    expiresAt: at + ttlMs,
    order: state.compensations.size,
    phase: 'due',
    key: undefined,
    executionId: undefined,
    instance: undefined,
    sendings: 0,
    doubtfulSince: 0,
    errors: 0,
    sentAt: 0,
    retryAt: 0,
    error: undefined
  })
}
