import type { CompensationFailure, Json, LoggedPlanEvent, Plan, PlanEvent, PlanRecord, PlanTask, Service } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { type CompensationCount, fromLogEntry, type PlanChange, type PlanStore, type StoredPlan, toLogEntry } from '../../store/plans.ts'
import type { Placement, ServiceHost, TaskMessage, TaskRequest } from '../services/service-host.ts'
import { abortEvents, advance, type Facts, isSettled, mostCompensationAttempts, wakeAt } from './advance.ts'
import { compensationContext } from './compensation.ts'
import { hear, hearOfLoss } from './hear.ts'
import { applyEvent, doubtCompensations, newPlanState, outputOf, type PlanState } from './state.ts'
import { resolveInput } from './task-input.ts'

export type RunnerListener = (planId: string, events: LoggedPlanEvent[], record: PlanRecord, settled: boolean) => void

export type Runner = {
  /** Begins what was planned: writes the plan down and sends the first tasks before it returns. */
  start(stored: StoredPlan, plan: Plan, change: PlanChange): PlanRecord
  /** Takes up what a process before this one left. Returns how many plans that were. */
  resume(): number
  /** Throws when it could not be written down: then it has not been taken. */
  onMessage(message: TaskMessage): void
  onHealth(serviceId: string, healthy: boolean): void
  onInDoubt(serviceId: string, executionIds: string[]): void
  /** Throws `conflict` when the plan has ended. */
  abort(number: number, by: string, reason: string): PlanRecord
  /** Throws `conflict` when the task does not wait for it, `not_found` when the plan has no such task. */
  decide(number: number, task: string, decision: { approved: boolean; by: string; note?: string | undefined }): PlanRecord
  /** Of a plan that is not settled. */
  live(number: number): { record: PlanRecord; state: PlanState } | undefined
  readonly size: number
  close(): void
}

type LivePlan = {
  readonly number: number
  record: PlanRecord
  compensation: CompensationCount | null
  readonly state: PlanState
  /** By the steady clock. */
  readonly deadlineAt: number | null
  /** Sendings of this process, and those of its log. */
  readonly executions: Set<string>
  timer: NodeJS.Timeout | undefined
  wakesAt: number
  /** When it was last asked what follows: what has become due since then has not been seen. */
  lookedAt: number
  settles: boolean
  /** What its row is to say once it has begun. */
  beginning: PlanChange | undefined
  /** What came while it was being worked on. */
  inbox: (() => PlanEvent[])[]
  stepping: boolean
  /** Set while what it last decided could not be written down: it is to be taken up again from its log. */
  retake: NodeJS.Timeout | undefined
}

/** The longest a timer can be set. */
const longestTimer = 2 ** 31 - 1
/** A plan that could not be written down is taken up again after so long, or as soon as something comes for it. */
const retakeMs = 1000

/**
 * Carries plans out. `advance` decides from a plan's log and what is known now; what it decides is written first and done then, so that a
 * process that dies at any point leaves a log from which the next one goes on.
 */
export function createRunner(options: {
  store: PlanStore
  /** Where what was sent but not answered can be done twice, the host asks by the idempotency key first. */
  host: ServiceHost
  serviceAt: (id: string, version: number) => Service | undefined
  /** Within the transaction of a plan's end. */
  onEnd: (record: PlanRecord) => void
  /** Within the transaction of a compensation's failure. */
  onCompensationFailure: (failure: Omit<CompensationFailure, 'id' | 'createdAt' | 'resolvedAt'>) => void
  /** After a transaction of one of these two. */
  onOutbox: () => void
  onEvents: RunnerListener
  newExecutionId: Facts['newExecutionId']
  log: Log
  /** Unix milliseconds, for what is written down. */
  wall?: () => number
  /** Milliseconds of a clock that does not jump, for what waits: one that is set, or sleeps with its machine, lets no task time out. */
  steady?: () => number
  random?: () => number
}): Runner {
  const { store, host, serviceAt, log, wall = Date.now, random = Math.random } = options
  const steady = options.steady ?? (() => performance.timeOrigin + performance.now())
  const live = new Map<number, LivePlan>()
  const byExecution = new Map<string, LivePlan>()
  const byService = new Map<string, Set<LivePlan>>()
  const arrivals = new Map<string, number>()
  const hereSince = new Map<string, number>()
  /** Plans that are to be taken up again. */
  const stalled = new Map<number, LivePlan>()
  let closed = false

  const serviceOf = (task: PlanTask) => serviceAt(task.service, task.serviceVersion)
  const factsOf = ({ record, deadlineAt }: LivePlan): Facts => ({
    now: steady(),
    wall: wall(),
    timeoutMs: record.timeoutMs,
    gracePeriodMs: record.gracePeriodMs,
    deadlineAt,
    serviceOf,
    isHealthy: (service) => host.isHealthy(service),
    arrivedAt: (serviceId) => arrivals.get(serviceId) ?? 0,
    hereSince: (serviceId) => hereSince.get(serviceId) ?? 0,
    hasInstance: (service, name) => host.hasInstance?.(service, name) ?? false,
    newExecutionId: options.newExecutionId,
    random
  })

  const enter = (number: number, record: PlanRecord, compensation: CompensationCount | null, plan: Plan): LivePlan => {
    const state = newPlanState(record.id, plan)
    const entry: LivePlan = {
      number,
      record,
      compensation,
      state,
      deadlineAt: record.deadlineAt === null ? null : steady() + record.deadlineAt - wall(),
      executions: new Set(),
      timer: undefined,
      wakesAt: 0,
      lookedAt: 0,
      settles: false,
      beginning: undefined,
      inbox: [],
      stepping: false,
      retake: undefined
    }
    live.set(number, entry)
    for (const { service } of plan.tasks) {
      const plans = byService.get(service) ?? new Set()
      byService.set(service, plans.add(entry))
    }
    return entry
  }
  const leave = (entry: LivePlan) => {
    suspend(entry)
    for (const id of entry.executions) byExecution.delete(id)
  }
  /** As `leave`, but what belongs to it still finds it. */
  const suspend = (entry: LivePlan) => {
    clearTimeout(entry.timer)
    live.delete(entry.number)
    for (const { service } of entry.state.plan.tasks) {
      const plans = byService.get(service)
      plans?.delete(entry)
      if (plans?.size === 0) byService.delete(service)
    }
  }
  const remember = (entry: LivePlan, event: PlanEvent) => {
    if (event.type !== 'task-sent' && event.type !== 'compensation-sent') return
    entry.executions.add(event.executionId)
    byExecution.set(event.executionId, entry)
  }

  /**
   * Lets the plan go on from `first` until nothing more follows, then writes all of it at once and does what it says. Throws when it could not be
   * written down: then it has not happened, and the plan is taken up again a little later.
   */
  const step = (entry: LivePlan, first: () => PlanEvent[]): void => {
    if (entry.stepping) return void entry.inbox.push(first)
    entry.stepping = true
    try {
      let begin: (() => PlanEvent[]) | undefined = first
      while (begin !== undefined) {
        let events = takeTurn(entry, begin)
        // What a send could not deliver is one more thing that happened.
        while (events.length > 0) {
          const undelivered = events
          events = takeTurn(entry, () => undelivered)
        }
        begin = entry.inbox.shift()
      }
    } catch (error) {
      if (entry.beginning !== undefined) {
        // It has not begun, and whoever began it hears of it.
        leave(entry)
        throw error
      }
      stall(entry, error)
      throw error
    } finally {
      entry.stepping = false
    }
    if (entry.settles) leave(entry)
    else arm(entry)
  }

  /** For steps that nobody waits for. */
  const stepAlone = (entry: LivePlan, first: () => PlanEvent[]): void => {
    try {
      step(entry, first)
    } catch {
      // It is in the log, and is taken up again.
    }
  }

  /** Returns what follows from sending it. */
  const takeTurn = (entry: LivePlan, begin: () => PlanEvent[]): PlanEvent[] => {
    const { state, record } = entry
    const offset = state.offset
    const events: LoggedPlanEvent[] = []
    const take = (next: PlanEvent[]) => {
      for (const event of next) {
        const logged = { ...placed(entry, event), offset: state.offset, at: wall() }
        events.push(logged)
        applyEvent(state, logged, steady(), record.timeoutMs)
        remember(entry, event)
      }
    }
    take(begin())
    let facts = factsOf(entry)
    for (let next = advance(state, facts); next.length > 0; next = advance(state, facts)) {
      take(next)
      facts = factsOf(entry)
    }
    entry.lookedAt = facts.now
    const settles = isSettled(state, facts)
    entry.settles = settles
    if (events.length === 0) {
      if (settles) store.commit(entry.number, offset, [], { settled: true, ...compensationChange(entry) })
      return []
    }
    const change = changeOf(entry, events)
    const outbox = new Set(events.map(({ type }) => type))
    const ended = outbox.has('plan-completed') || outbox.has('plan-failed') || outbox.has('plan-aborted')
    const failures = events.filter(({ type }) => type === 'compensation-failed' || type === 'compensation-expired')
    if (change !== undefined) entry.record = { ...record, ...recordPart(change) }
    const write = () =>
      store.commit(
        entry.number,
        offset,
        events.map(({ offset: _, at, ...event }) => toLogEntry(event as PlanEvent, at)), // A logged event without its place is an event.
        settles ? { ...change, settled: true } : change,
        ended || failures.length > 0
          ? () => {
              if (ended) options.onEnd(entry.record)
              for (const event of failures) options.onCompensationFailure(failureOf(entry, event))
            }
          : undefined
      )
    try {
      write()
    } catch (error) {
      unplace(entry, events)
      throw error
    }
    entry.beginning = undefined
    if (ended) logEnd(entry)
    const undelivered = carryOut(entry, events)
    options.onEvents(record.id, events, entry.record, settles)
    if (ended || failures.length > 0) options.onOutbox()
    return undelivered
  }

  /** A sending, with whom it goes to. */
  const placed = (entry: LivePlan, event: PlanEvent): PlanEvent => {
    if (host.place === undefined || (event.type !== 'task-sent' && event.type !== 'compensation-sent')) return event
    const isTask = event.type === 'task-sent'
    const before = (isTask ? entry.state.tasks : entry.state.compensations).get(event.task)
    const service = before === undefined ? undefined : serviceOf(before.task)
    if (before === undefined || service === undefined) return event
    const placement: Placement = {
      kind: isTask ? 'task' : 'compensation',
      taskId: event.task,
      executionId: event.executionId,
      idempotencyKey: event.idempotencyKey,
      inDoubt: before.key !== undefined,
      ...nameOf(before)
    }
    const instance = host.place(service, placement)
    return instance === undefined ? event : { ...event, instance }
  }
  /** What was to be sent, and is not. */
  const unplace = (entry: LivePlan, events: readonly PlanEvent[]) => {
    for (const event of events) {
      if (event.type !== 'task-sent' && event.type !== 'compensation-sent') continue
      const task = entry.state.tasks.get(event.task)?.task
      const service = task === undefined ? undefined : serviceOf(task)
      if (service !== undefined) host.stop(service, event.executionId)
    }
  }

  /** Does what the written events say. What reached nobody comes back as events. */
  const carryOut = (entry: LivePlan, events: readonly LoggedPlanEvent[]): PlanEvent[] => {
    const undelivered: PlanEvent[] = []
    for (const event of events) {
      if (event.type === 'task-sent') {
        const task = entry.state.tasks.get(event.task)
        if (task === undefined || task.phase !== 'sent' || task.execution?.executionId !== event.executionId) continue
        const service = serviceOf(task.task)
        if (service !== undefined && host.send(service, taskRequest(entry, task.task, event, service))) continue
        const reason = `${service?.name ?? task.task.service} took nothing`
        undelivered.push({ type: 'task-paused', task: event.task, id: String(task.pauses), reason })
      } else if (event.type === 'compensation-sent') {
        const compensation = entry.state.compensations.get(event.task)
        if (compensation === undefined) continue
        const service = serviceOf(compensation.task)
        // Nobody there: the attempt runs into its timeout, and is one of ten.
        if (service !== undefined) host.send(service, compensationRequest(entry, event, compensation.data))
      } else if (event.type === 'task-stopped') {
        const task = entry.state.tasks.get(event.task)
        const service = task === undefined ? undefined : serviceOf(task.task)
        if (service !== undefined && task?.execution !== undefined) host.stop(service, task.execution.executionId)
      }
    }
    return undelivered
  }

  const taskRequest = (entry: LivePlan, task: PlanTask, event: PlanEvent & { type: 'task-sent' }, service: Service): TaskRequest => ({
    kind: 'task',
    planId: entry.record.id,
    taskId: task.id,
    executionId: event.executionId,
    idempotencyKey: event.idempotencyKey,
    input: resolveInput(task, service.input, (id) => outputOf(entry.state, id)).input,
    inDoubt: (entry.state.tasks.get(task.id)?.pauses ?? 0) > 0 || event.attempt > 1,
    ...nameOf(event)
  })
  const compensationRequest = (entry: LivePlan, event: PlanEvent & { type: 'compensation-sent' }, data: Json): TaskRequest => ({
    kind: 'compensation',
    planId: entry.record.id,
    taskId: event.task,
    executionId: event.executionId,
    idempotencyKey: event.idempotencyKey,
    input: data,
    compensationContext: compensationContext(entry.state),
    inDoubt: (entry.state.compensations.get(event.task)?.sendings ?? 0) > 1,
    ...nameOf(event)
  })

  const failureOf = (entry: LivePlan, event: PlanEvent): Omit<CompensationFailure, 'id' | 'createdAt' | 'resolvedAt'> => {
    if (event.type !== 'compensation-failed' && event.type !== 'compensation-expired') throw new Error('not the end of a compensation')
    const compensation = entry.state.compensations.get(event.task)
    const task = entry.state.tasks.get(event.task)?.task
    return {
      projectId: entry.record.projectId,
      planId: entry.record.id,
      taskId: event.task,
      serviceId: task?.service ?? '',
      serviceName: (task === undefined ? undefined : serviceOf(task)?.name) ?? '',
      compensation: { data: compensation?.data ?? null, context: compensationContext(entry.state), ttlMs: compensation?.ttlMs ?? 0 },
      status: event.type === 'compensation-failed' ? 'failed' : 'expired',
      resolutionState: 'pending',
      failure: event.error,
      resolution: '',
      attemptsMade: event.attempts,
      maxAttempts: mostCompensationAttempts
    }
  }

  const arm = (entry: LivePlan) => {
    const at = wakeAt(entry.state, { ...factsOf(entry), now: entry.lookedAt })
    if (at === entry.wakesAt && entry.timer !== undefined) return
    clearTimeout(entry.timer)
    entry.timer = undefined
    entry.wakesAt = at ?? 0
    if (at === undefined || closed) return
    entry.timer = setTimeout(
      () => {
        entry.timer = undefined
        stepAlone(entry, () => [])
      },
      Math.min(longestTimer, Math.max(1, at - steady()))
    ).unref()
  }

  /** What was decided could not be written, so it has not happened: the plan goes on from what is written, when that works again. */
  const stall = (entry: LivePlan, error: unknown) => {
    log.error({ planId: entry.record.id, err: error }, 'a plan could not be written down; it is taken up again')
    suspend(entry)
    stalled.set(entry.number, entry)
    entry.retake = setTimeout(() => {
      if (closed) return
      try {
        retake(entry)
      } catch {
        // Stalled once more.
      }
    }, retakeMs).unref()
  }

  /** Throws when it still cannot be written down. */
  const retake = (entry: LivePlan): void => {
    clearTimeout(entry.retake)
    stalled.delete(entry.number)
    for (const id of entry.executions) byExecution.delete(id)
    let stored: StoredPlan
    try {
      stored = store.byNumber(entry.number)
    } catch (error) {
      for (const id of entry.executions) byExecution.set(id, entry)
      stall(entry, error)
      throw error
    }
    takeUp(stored, 'what came before could not be written down')
  }

  const takeUp = (stored: StoredPlan, reason: string): boolean => {
    if (stored.record.plan === null || stored.settled) return false
    const entry = enter(stored.number, stored.record, stored.compensation, stored.record.plan)
    for (const logged of store.entries(stored.number).map(fromLogEntry)) {
      applyEvent(entry.state, logged, Math.min(steady(), steady() - wall() + logged.at), stored.record.timeoutMs)
      remember(entry, logged)
    }
    doubtCompensations(entry.state, steady())
    // Whoever had a task may be doing it, may have done it, or may never have heard of it.
    const inDoubt = [...entry.state.tasks.values()].filter(({ phase }) => phase === 'sent' && entry.state.end === undefined)
    step(entry, () => inDoubt.map(({ task, pauses }) => ({ type: 'task-paused' as const, task: task.id, id: String(pauses), reason })))
    return true
  }

  const find = (number: number): LivePlan => {
    if (closed) throw new AppError('shutting_down', 'the server is stopping; ask again when it is back')
    const waiting = stalled.get(number)
    if (waiting !== undefined) retake(waiting)
    const entry = live.get(number)
    if (entry === undefined) throw new AppError('conflict', `the plan has ended (${store.byNumber(number).record.status})`)
    return entry
  }

  return {
    start(stored, plan, change) {
      const record: PlanRecord = { ...stored.record, plan }
      const entry = enter(stored.number, record, stored.compensation, plan)
      entry.beginning = change
      step(entry, () => [{ type: 'plan-started', plan }])
      return entry.record
    },
    resume() {
      let count = 0
      for (const stored of store.unsettled()) {
        if (stored.record.plan === null) continue
        count++
        try {
          takeUp(stored, 'the server was started again')
        } catch {
          // It is in the log, and is taken up once more.
        }
      }
      return count
    },
    onMessage(message) {
      const known = byExecution.get(message.executionId)
      if (known !== undefined && stalled.has(known.number)) retake(known)
      const entry = byExecution.get(message.executionId)
      if (entry === undefined || closed) {
        log.debug({ serviceId: message.serviceId, taskId: message.taskId }, 'a result of no open task')
        return
      }
      step(entry, () => {
        const { state } = entry
        const work = [...state.tasks.values(), ...state.compensations.values()].find(({ key }) => key === message.idempotencyKey)
        const service = work === undefined ? undefined : serviceOf(work.task)
        return service === undefined ? [] : hear(state, message, service, { wall: wall(), random })
      })
    },
    onHealth(serviceId, healthy) {
      if (!healthy) {
        hereSince.delete(serviceId)
        return
      }
      arrivals.set(serviceId, steady())
      if (!hereSince.has(serviceId)) hereSince.set(serviceId, steady())
      for (const entry of [...(byService.get(serviceId) ?? [])]) stepAlone(entry, () => [])
    },
    onInDoubt(_serviceId, executionIds) {
      for (const id of executionIds) {
        const entry = byExecution.get(id)
        // One that is taken up again has all it sent in doubt anyway.
        if (entry === undefined || stalled.has(entry.number)) continue
        stepAlone(entry, () => hearOfLoss(entry.state, id, { wall: wall(), random }))
      }
    },
    abort(number, by, reason) {
      const entry = find(number)
      if (entry.state.end !== undefined) throw new AppError('conflict', `the plan has ended (${entry.record.status})`)
      step(entry, () => abortEvents(entry.state, { code: 'aborted', message: `${by} aborted it: ${reason}` }, { by, reason }))
      return entry.record
    },
    decide(number, task, { approved, by, note }) {
      const entry = find(number)
      const waiting = entry.state.tasks.get(task)
      if (waiting === undefined) {
        throw new AppError('not_found', `the plan has no task ${JSON.stringify(task)}; it has ${[...entry.state.tasks.keys()].join(', ')}`)
      }
      if (waiting.phase !== 'approval' || entry.state.end !== undefined) {
        throw new AppError('conflict', `${task} does not wait for approval; it is ${waiting.phase}`)
      }
      step(entry, () => {
        const decided: PlanEvent = { type: 'approval-decided', task, approved, by, ...(note === undefined ? {} : { note }) }
        if (approved) return [decided]
        const why = note === undefined || note === '' ? '' : `: ${note}`
        const failure = { code: 'refused' as const, message: `${by} refused ${task}${why}`, task, service: waiting.task.service }
        return [decided, ...abortEvents(entry.state, failure, { by, task, refused: true, note: note ?? '' })]
      })
      return entry.record
    },
    live: (number) => live.get(number),
    get size() {
      return live.size
    },
    close() {
      closed = true
      for (const { timer } of live.values()) clearTimeout(timer)
      for (const { retake } of stalled.values()) clearTimeout(retake)
      live.clear()
      stalled.clear()
    }
  }

  function logEnd({ record }: LivePlan): void {
    log.info({ planId: record.id, status: record.status, code: record.failure?.code, ms: record.changedAt - record.createdAt }, 'plan ended')
  }

  function changeOf(entry: LivePlan, events: readonly LoggedPlanEvent[]): PlanChange | undefined {
    let change: PlanChange | undefined
    for (const event of events) {
      if (event.type === 'plan-started') change = { ...entry.beginning, status: 'processing', changedAt: event.at }
      else if (event.type === 'plan-completed') change = { ...change, status: 'completed', results: event.results, changedAt: event.at }
      else if (event.type === 'plan-failed') change = { ...change, status: 'failed', failure: event.failure, results: [null], changedAt: event.at }
      else if (event.type === 'plan-aborted')
        change = { ...change, status: 'aborted', failure: event.failure, abortPayload: event.payload, results: [null], changedAt: event.at }
    }
    const compensation = compensationChange(entry)
    return change === undefined && compensation === undefined ? undefined : { ...change, ...compensation }
  }

  /** How far the taking back is, where that has changed. */
  function compensationChange(entry: LivePlan): { compensation: CompensationCount } | undefined {
    const { state } = entry
    if (state.end === undefined || state.end.status === 'completed') return undefined
    const total = state.plan.tasks.filter((task) => serviceOf(task)?.revertible === true).length
    if (total === 0) return undefined
    const phases = [...state.compensations.values()].map(({ phase }) => phase)
    const count = (...wanted: string[]) => phases.filter((phase) => wanted.includes(phase)).length
    const next = {
      active: count('due', 'sent', 'retrying') > 0,
      total,
      completed: count('completed', 'partial'),
      failed: count('failed', 'expired')
    }
    if (JSON.stringify(next) === JSON.stringify(entry.compensation)) return undefined
    entry.compensation = next
    return { compensation: next }
  }
}

/** Whom to ask first of what is in doubt. */
function nameOf({ instance }: { instance?: string | null | undefined }): { instance?: string } {
  return typeof instance === 'string' ? { instance } : {}
}

/** What of a change the record shows. */
function recordPart({ compensation: _, settled: __, ...part }: PlanChange): Partial<PlanRecord> {
  return part
}
