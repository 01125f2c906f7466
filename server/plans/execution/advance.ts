import type { Json, PlanEvent, PlanTask, Service } from '#contracts/plan.ts'
import { compensationBackoff, taskBackoff, waitAfter } from './backoff.ts'
import { nextCompensation } from './compensation.ts'
import { compensationKey, taskKey } from './idempotency-key.ts'
import { lateMs, outputOf, type PlanState, type TaskState } from './state.ts'
import { resolveInput } from './task-input.ts'

/** What a decision depends on beside the plan's own state. Times are milliseconds of a clock that never jumps. */
export type Facts = {
  now: number
  /** Unix milliseconds, for what is written down. */
  wall: number
  /** Of one attempt of a task. */
  timeoutMs: number
  /** How long a task or a compensation waits for a service that is away. */
  gracePeriodMs: number
  deadlineAt: number | null
  /** In the version the plan was made with. */
  serviceOf(task: PlanTask): Service | undefined
  isHealthy(service: Service): boolean
  /** When an instance of it last came; 0: never since the start. */
  arrivedAt(serviceId: string): number
  /** Since when at least one instance of it is here; 0: not known. */
  hereSince(serviceId: string): number
  hasInstance(service: Service, name: string): boolean
  newExecutionId(kind: 'task' | 'compensation'): string
  /** 0 … 1, for jitter. */
  random(): number
}

/** Attempts of a task, and of a compensation, before it is given up. */
export const mostAttempts = 5
export const mostCompensationAttempts = 10
/** An attempt to take a task back. */
export const compensationTimeoutMs = 30_000
/** So often the connection of a task's service may break without a word of the task before that counts as a failed attempt. */
export const mostLosses = 2
/** A task whose instance went away waits so long for that very one, before another instance gets it. */
export const sameInstanceMs = 5000

/**
 * The next entries of a plan's log: what follows from what is known now. Empty: nothing, until something comes or `wakeAt`. Pure; the runner
 * writes them down, lets the state follow, does what they say, and asks again.
 */
export function advance(state: PlanState, facts: Facts): PlanEvent[] {
  if (!state.started) return []
  if (state.end !== undefined) return afterEnd(state, facts)
  const { now, deadlineAt } = facts
  for (const { task, phase, error, execution } of state.tasks.values()) {
    if (phase === 'aborted') {
      const failure = { code: 'aborted' as const, message: `${facts.serviceOf(task)?.name ?? task.service} aborted it in ${task.id}`, task: task.id }
      return abortEvents(state, { ...failure, service: task.service }, execution?.abortResult ?? null)
    }
    if (phase !== 'failed') continue
    const service = facts.serviceOf(task)?.name ?? task.service
    return [
      { type: 'plan-failed', failure: { code: 'task_failed', message: error ?? 'it failed', task: task.id, service: task.service } },
      ...stopped(state, `${task.id} (${service}) failed`)
    ]
  }
  if (deadlineAt !== null && deadlineAt <= now) {
    const late = [...state.tasks.values()].filter(({ phase }) => phase !== 'completed').map(({ task }) => task.id)
    const message = `the deadline passed before ${late.join(', ')} ${late.length === 1 ? 'was' : 'were'} done`
    return [{ type: 'plan-failed', failure: { code: 'deadline_exceeded', message } }, ...stopped(state, 'the deadline passed')]
  }
  const events: PlanEvent[] = []
  let open = false
  for (const entry of state.tasks.values()) {
    if (entry.phase === 'completed') continue
    open = true
    const event = forTask(state, entry, facts)
    if (event !== undefined) events.push(event)
  }
  return open ? events : [{ type: 'plan-completed', results: resultsOf(state) }]
}

/** When `advance` will have something to say by the passing of time alone. Undefined: never. */
export function wakeAt(state: PlanState, facts: Facts): number | undefined {
  const times: number[] = []
  if (state.end === undefined) {
    if (facts.deadlineAt !== null) times.push(facts.deadlineAt)
    for (const entry of state.tasks.values()) {
      if (entry.phase === 'sent') times.push(entry.sentAt + facts.timeoutMs)
      else if (entry.phase === 'retrying') times.push(entry.retryAt)
      else if (entry.phase === 'paused') {
        times.push(entry.pausedAt + facts.gracePeriodMs)
        const service = facts.serviceOf(entry.task)
        if (service !== undefined && facts.isHealthy(service)) times.push(othersFrom(entry.pausedAt, service, facts))
      }
    }
  } else {
    for (const entry of state.tasks.values()) if (entry.phase === 'stopped') times.push(openUntil(entry, facts))
    const next = state.end.status === 'completed' ? undefined : nextCompensation(state)
    if (next?.phase === 'sent') times.push(next.sentAt + compensationTimeoutMs)
    else if (next !== undefined) {
      times.push(next.phase === 'retrying' ? next.retryAt : next.expiresAt, state.compensationAt + facts.gracePeriodMs)
      const service = next.doubtfulSince > 0 ? facts.serviceOf(next.task) : undefined
      if (service !== undefined && facts.isHealthy(service)) times.push(othersFrom(next.doubtfulSince, service, facts))
    }
  }
  const future = times.filter((time) => time > facts.now && Number.isFinite(time))
  return future.length === 0 ? undefined : Math.min(...future)
}

/** Whether nothing can happen to the plan any more. */
export function isSettled(state: PlanState, facts: Facts): boolean {
  if (state.end === undefined) return false
  if (state.end.status === 'completed') return true
  for (const entry of state.tasks.values()) if (entry.phase === 'stopped' && openUntil(entry, facts) > facts.now) return false
  return nextCompensation(state) === undefined
}

/** Until when a stopped task's result is waited for. A service that has to take back what it did, and is away, hands it in when it comes again. */
function openUntil(entry: TaskState, facts: Facts): number {
  if (entry.openUntil <= entry.stoppedAt) return entry.openUntil
  const service = facts.serviceOf(entry.task)
  if (service?.revertible !== true) return entry.openUntil
  const handsInUntil = facts.isHealthy(service) ? facts.arrivedAt(service.id) + lateMs : Number.POSITIVE_INFINITY
  return Math.max(entry.openUntil, Math.min(handsInUntil, entry.stoppedAt + facts.gracePeriodMs))
}

/** Outputs of the tasks that no other task uses, in the plan's order. */
export function resultsOf(state: PlanState): Json[] {
  const used = new Set([...state.tasks.values()].flatMap(({ dependencies }) => dependencies))
  return state.plan.tasks.filter(({ id }) => !used.has(id)).map(({ id }) => state.tasks.get(id)?.output ?? null)
}

/** After a failed attempt: another one after a pause, or none any more. */
export function attemptFailed(entry: TaskState, error: string, timedOut: boolean, { wall, random }: Pick<Facts, 'wall' | 'random'>): PlanEvent {
  const attempt = entry.errors + 1
  const failed = { type: 'task-attempt-failed' as const, task: entry.task.id, attempt, error, timedOut }
  return attempt >= mostAttempts ? failed : { ...failed, retryAt: wall + waitAfter(attempt, taskBackoff, random()) }
}

export function compensationAttemptFailed(task: string, errors: number, error: string, { wall, random }: Pick<Facts, 'wall' | 'random'>): PlanEvent {
  const attempt = errors + 1
  const failed = { type: 'compensation-attempt-failed' as const, task, attempt, error }
  return attempt >= mostCompensationAttempts ? failed : { ...failed, retryAt: wall + waitAfter(attempt, compensationBackoff, random()) }
}

function forTask(state: PlanState, entry: TaskState, facts: Facts): PlanEvent | undefined {
  const { now } = facts
  const { task } = entry
  switch (entry.phase) {
    case 'waiting':
      if (!entry.dependencies.every((id) => state.tasks.get(id)?.phase === 'completed')) return undefined
      if (task.approval && !entry.approved) return { type: 'approval-requested', task: task.id }
      return sending(state, entry, facts)
    case 'sent':
      if (entry.sentAt + facts.timeoutMs > now) return undefined
      return attemptFailed(entry, `no answer within ${facts.timeoutMs / 1000} s`, true, facts)
    case 'retrying':
      if (entry.retryAt === Number.POSITIVE_INFINITY) return { type: 'task-failed', task: task.id, error: entry.error ?? 'it failed' }
      return entry.retryAt > now ? undefined : sending(state, entry, facts)
    case 'paused': {
      if (entry.pausedAt + facts.gracePeriodMs <= now) {
        const away = `its service was away for ${facts.gracePeriodMs / 1000} s`
        return { type: 'task-failed', task: task.id, error: away }
      }
      const service = facts.serviceOf(task)
      if (service === undefined || !facts.isHealthy(service)) return undefined
      return entry.execution === undefined || mayGoAgain(entry.instance, entry.pausedAt, service, facts) ? sending(state, entry, facts) : undefined
    }
    default:
      return undefined
  }
}

/** Another instance must not begin what the one that went away does, or is about to hand in: that one is waited for first. */
function mayGoAgain(instance: string | null | undefined, since: number, service: Service, facts: Facts): boolean {
  if (othersFrom(since, service, facts) <= facts.now) return true
  if (instance === null) return false
  // There was only one of them, so it is that one that comes.
  return instance === undefined ? facts.arrivedAt(service.id) >= since : facts.hasInstance(service, instance)
}

/** From when on any instance will do. Counts from when one was here that could have been the right one. */
function othersFrom(since: number, service: Service, facts: Facts): number {
  return Math.max(since, facts.hereSince(service.id)) + sameInstanceMs
}

function sending(state: PlanState, entry: TaskState, facts: Facts): PlanEvent | undefined {
  const { task } = entry
  const service = facts.serviceOf(task)
  if (service === undefined)
    return { type: 'task-failed', task: task.id, error: `its service ${task.service} version ${task.serviceVersion} is not known any more` }
  const { missing } = resolveInput(task, service.input, (id) => outputOf(state, id))
  if (missing.length > 0) return { type: 'task-failed', task: task.id, error: missing.join('; ') }
  if (!facts.isHealthy(service)) {
    if (entry.phase === 'paused') return undefined
    return { type: 'task-paused', task: task.id, id: String(entry.pauses), reason: `${service.name} is not connected` }
  }
  return {
    type: 'task-sent',
    task: task.id,
    attempt: entry.errors + 1,
    executionId: facts.newExecutionId('task'),
    idempotencyKey: entry.key ?? keyOf(state, entry)
  }
}

function keyOf(state: PlanState, { task, dependencies }: TaskState): string {
  const used = new Set([...dependencies, ...(Object.values(task.input).some((value) => value.startsWith('$task0.')) ? ['task0'] : [])])
  return taskKey(state.planId, task.id, Object.fromEntries([...used].map((id) => [id, JSON.stringify(outputOf(state, id) ?? null)])))
}

/** Whoever still works for a plan that has ended. */
function stopped(state: PlanState, reason: string): PlanEvent[] {
  return [...state.tasks.values()]
    .filter(({ phase, execution }) => execution !== undefined && (phase === 'sent' || phase === 'retrying' || phase === 'paused'))
    .map(({ task }) => ({ type: 'task-stopped' as const, task: task.id, reason }))
}

/** A plan that a person or a service ends. */
export function abortEvents(state: PlanState, failure: Extract<PlanEvent, { type: 'plan-aborted' }>['failure'], payload: Json): PlanEvent[] {
  return [{ type: 'plan-aborted', failure, payload }, ...stopped(state, failure.message)]
}

function afterEnd(state: PlanState, facts: Facts): PlanEvent[] {
  if (state.end === undefined || state.end.status === 'completed') return []
  const next = nextCompensation(state)
  if (next === undefined) return []
  const { now } = facts
  const task = next.task.id
  if (next.phase === 'sent') {
    if (next.sentAt + compensationTimeoutMs > now) return []
    return [compensationAttemptFailed(task, next.errors, `no answer within ${compensationTimeoutMs / 1000} s`, facts)]
  }
  if (next.expiresAt <= now) {
    const error = `its compensation was only good for ${next.ttlMs / 1000} s${next.error === undefined ? '' : `; the last attempt: ${next.error}`}`
    return [{ type: 'compensation-expired', task, error, attempts: next.errors }]
  }
  if (next.phase === 'retrying') {
    if (next.retryAt === Number.POSITIVE_INFINITY)
      return [{ type: 'compensation-failed', task, error: next.error ?? 'it failed', attempts: next.errors }]
    if (next.retryAt > now) return []
  }
  const service = facts.serviceOf(next.task)
  if (service === undefined) {
    return [{ type: 'compensation-failed', task, error: `its service ${next.task.service} is not known any more`, attempts: next.errors }]
  }
  if (!facts.isHealthy(service)) {
    if (state.compensationAt + facts.gracePeriodMs > now) return []
    return [{ type: 'compensation-failed', task, error: `${service.name} was away for ${facts.gracePeriodMs / 1000} s`, attempts: next.errors }]
  }
  if (next.doubtfulSince > 0 && !mayGoAgain(next.instance, next.doubtfulSince, service, facts)) return []
  return [
    {
      type: 'compensation-sent',
      task,
      attempt: next.errors + 1,
      executionId: facts.newExecutionId('compensation'),
      idempotencyKey: next.key ?? compensationKey(state.planId, task)
    }
  ]
}
