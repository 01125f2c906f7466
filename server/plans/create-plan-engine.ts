import type { PlanFailure, PlanOrder, PlanRecord, Service } from '#contracts/plan.ts'
import type { PlanSummary } from '#contracts/plan-api.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { CompensationFailureStore } from '../store/compensation-failures.ts'
import type { PlanProjectStore } from '../store/plan-projects.ts'
import type { PlanServiceStore } from '../store/plan-services.ts'
import { fromLogEntry, type PlanStore, type StoredPlan } from '../store/plans.ts'
import type { PlanCache } from './cache/plan-cache.ts'
import { createRunner } from './execution/runner.ts'
import type { PlanMaker } from './make-plan.ts'
import type { PlanEngine, PlanNews } from './plan-engine.ts'
import { createPlanFollowers } from './plan-followers.ts'
import { newCompensationExecutionId, newExecutionId, newFailureId, newPlanId } from './protocol/ids.ts'
import { createServiceConnections } from './services/connections.ts'
import { registerService } from './services/register-service.ts'
import type { ServiceHost, ServiceHostEvents } from './services/service-host.ts'
import type { Webhooks } from './webhooks/webhooks.ts'

export type PlanEngineParts = {
  store: PlanStore
  projects: PlanProjectStore
  services: PlanServiceStore
  /** Carries out what built-in tools are asked; given where its results go. */
  tools: (events: Pick<ServiceHostEvents, 'onMessage' | 'onHealth'>) => ServiceHost
  maker: PlanMaker
  cache: PlanCache
  groundings: PlanEngine['groundings']
  webhooks: Webhooks
  failures: CompensationFailureStore
  /** What holds where an order says nothing. Milliseconds. */
  defaults: { timeoutMs: number; gracePeriodMs: number; planningMs: number }
  /** A plan came to be or its status changed. */
  onChange?: ((record: PlanRecord) => void) | undefined
  log: Log
}

/** Finished plans are deleted so many at a time. */
const pruneBatch = 500
const pruneEveryMs = 3_600_000

/** The plan engine. Takes up what a process before it left as soon as it is made. */
export function createPlanEngine(parts: PlanEngineParts & { retentionMs: number | undefined }): PlanEngine {
  const { store, projects, services, maker, cache, groundings, webhooks, failures, defaults, log } = parts
  const followers = createPlanFollowers()
  /** Plans that are being made, with what ends that. */
  const planning = new Map<string, { stop: AbortController; by?: string; reason?: string }>()
  const closing = new AbortController()

  const events: ServiceHostEvents = {
    onMessage: (message) => runner.onMessage(message),
    onHealth: (serviceId, healthy) => runner.onHealth(serviceId, healthy),
    onInDoubt: (serviceId, executionIds) => runner.onInDoubt(serviceId, executionIds)
  }
  const connections = createServiceConnections({ events, log })
  const tools = parts.tools(events)
  const hostOf = (service: Service): ServiceHost => (service.origin === 'connected' ? connections : tools)
  const host: ServiceHost = {
    isHealthy: (service) => hostOf(service).isHealthy(service),
    send: (service, request) => hostOf(service).send(service, request),
    place: (service, request) => hostOf(service).place?.(service, request),
    hasInstance: (service, name) => hostOf(service).hasInstance?.(service, name) ?? false,
    stop: (service, executionId) => hostOf(service).stop(service, executionId)
  }
  const runner = createRunner({
    store,
    host,
    serviceAt: services.at,
    onEnd: (record) => webhooks.noteEnd(record),
    onCompensationFailure(failure) {
      const whole = { ...failure, id: newFailureId(), createdAt: Date.now(), resolvedAt: null }
      failures.create(whole)
      webhooks.noteCompensationFailure(whole)
    },
    onOutbox: () => webhooks.wake(),
    onEvents(planId, events, record, settled) {
      const isNew = settled || events.some(({ type }) => type.startsWith('plan-'))
      if (isNew) parts.onChange?.(record)
      if (!followers.has(planId)) return
      const news: PlanNews[] = events.map((event) => ({ type: 'log', event }))
      if (isNew) news.push({ type: 'status', record, settled })
      followers.tell(planId, news)
    },
    newExecutionId: (kind) => (kind === 'task' ? newExecutionId() : newCompensationExecutionId()),
    log
  })

  /** Ends a plan that never began. */
  const giveUp = (number: number, record: PlanRecord, change: Pick<PlanRecord, 'status' | 'failure' | 'cache' | 'grounding'>): PlanRecord => {
    const ended = { ...record, ...change, changedAt: Date.now() }
    store.commit(number, 0, [], { ...change, changedAt: ended.changedAt, settled: true })
    followers.tell(record.id, [{ type: 'status', record: ended, settled: true }])
    parts.onChange?.(ended)
    log.info({ planId: record.id, status: ended.status, code: ended.failure?.code }, 'plan ended')
    return ended
  }

  const aborted = (by: string, reason: string) => {
    const message = `${by} aborted it while it was planned${reason === '' ? '' : `: ${reason}`}`
    return { status: 'cancelled', failure: { code: 'cancelled', message }, cache: null, grounding: null } as const
  }

  /** Throws what keeps it from beginning, after that is written down. */
  const planAndStart = async (stored: StoredPlan, requestId: string): Promise<PlanRecord> => {
    const { number, record } = stored
    const stop = new AbortController()
    planning.set(record.id, { stop })
    const nothing = { cache: null, grounding: null }
    try {
      const deadlineAt = Math.min(record.deadlineAt ?? Number.POSITIVE_INFINITY, Date.now() + defaults.planningMs)
      const made = await maker(
        {
          record,
          requestId,
          deadlineAt,
          onProgress: (progress) => followers.tell(record.id, [{ type: 'planning', progress }]),
          onAttempt: (attempt) => store.addAttempt(number, attempt)
        },
        AbortSignal.any([stop.signal, closing.signal])
      )
      // Whoever aborted it in the meantime has the last word.
      stop.signal.throwIfAborted()
      closing.signal.throwIfAborted()
      const { cache: verdict, grounding } = made
      if (made.type === 'planned') return runner.start(stored, made.plan, { cache: verdict, grounding, warnings: made.warnings })
      const code = made.type === 'failed' ? 'planning_failed' : 'not_actionable'
      const diagnosis = made.type === 'failed' && made.diagnosis !== undefined ? { diagnosis: made.diagnosis } : {}
      const failure: PlanFailure = { code, message: made.message, ...diagnosis }
      giveUp(number, record, { status: made.type === 'failed' ? 'failed' : 'not_actionable', failure, cache: verdict, grounding })
      throw new AppError(code, made.message)
    } catch (error) {
      // The next start plans it again.
      if (closing.signal.aborted) throw new AppError('shutting_down', 'the server is stopping; the plan is taken up again when it is back')
      if (stop.signal.aborted) {
        const { by = 'somebody', reason = '' } = planning.get(record.id) ?? {}
        const { failure } = giveUp(number, record, aborted(by, reason))
        throw new AppError('cancelled', failure?.message ?? '')
      }
      if (error instanceof AppError && (error.code === 'planning_failed' || error.code === 'not_actionable')) throw error
      const known = toAppError(error)
      if (known.code === 'internal_error') log.error({ planId: record.id, err: error }, 'planning failed')
      giveUp(number, record, { status: 'failed', failure: { code: 'planning_failed', message: known.message }, ...nothing })
      throw known
    } finally {
      planning.delete(record.id)
    }
  }

  const accept = (projectId: string, clientId: string, order: PlanOrder): StoredPlan => {
    for (const id of order.approval ?? []) services.find(projectId, id)
    const now = Date.now()
    const record: PlanRecord = {
      id: newPlanId(),
      projectId,
      clientId,
      action: order.action,
      data: order.data,
      approval: order.approval ?? [],
      status: 'pending',
      plan: null,
      cache: null,
      grounding: null,
      warnings: [],
      results: null,
      failure: null,
      abortPayload: null,
      timeoutMs: order.timeoutMs ?? defaults.timeoutMs,
      gracePeriodMs: order.gracePeriodMs ?? defaults.gracePeriodMs,
      deadlineAt: order.deadlineMs === undefined ? null : now + order.deadlineMs,
      createdAt: now,
      changedAt: now
    }
    return { number: store.create(record), record, compensation: null, settled: false }
  }

  const servicesOf = ({ plan }: PlanRecord): Service[] => {
    const used = new Map(plan?.tasks.map(({ service, serviceVersion }) => [service, serviceVersion]))
    return [...used].flatMap(([service, version]) => services.at(service, version) ?? [])
  }

  const inspect = (projectId: string, id: string) => {
    const { number, record } = store.find(projectId, id)
    return {
      record: runner.live(number)?.record ?? record,
      events: store.entries(number).map(fromLogEntry),
      services: servicesOf(record)
    }
  }

  const withHealth = (service: Service) => {
    const healthy = host.isHealthy(service)
    return { ...service, healthy, instances: service.origin === 'connected' ? connections.instances(service.id) : Number(healthy) }
  }

  const prune = () => {
    if (parts.retentionMs === undefined) return
    const gone = store.prune(Date.now() - parts.retentionMs, pruneBatch)
    if (gone > 0) log.info({ plans: gone }, 'finished plans past their retention were deleted')
    pruning = setTimeout(prune, gone === pruneBatch ? 1000 : pruneEveryMs).unref()
  }
  let pruning: NodeJS.Timeout | undefined = setTimeout(prune, 60_000).unref()

  const resumed = runner.resume()
  const unplanned = store.unsettled().filter(({ record }) => record.status === 'pending')
  if (resumed + unplanned.length > 0) log.info({ running: resumed, unplanned: unplanned.length }, 'plans are taken up again')
  for (const stored of unplanned) {
    // Its outcome is in its record; whoever asked for it is gone.
    planAndStart(stored, stored.record.id).catch((error) => log.debug({ planId: stored.record.id, err: error }, 'a plan of before was not made'))
  }
  webhooks.wake()

  return {
    projects: {
      create: projects.create,
      find: projects.find,
      list: projects.list,
      remove(id) {
        projects.remove(id)
        for (const webhook of webhooks.list(id)) webhooks.remove(id, webhook.id)
      },
      get own() {
        return projects.own
      }
    },
    services: {
      register(projectId, kind, registration) {
        const { service, warnings } = registerService(services, projectId, kind, registration)
        log.info({ projectId, serviceId: service.id, version: service.version, warnings }, 'service registered')
        return service
      },
      list: (projectId) =>
        services
          .list(projectId)
          .map(withHealth)
          .sort((one, other) => Number(one.origin !== 'connected') - Number(other.origin !== 'connected')),
      find: (projectId, id) => withHealth(services.find(projectId, id)),
      remove: (projectId, id) => services.remove(projectId, id),
      connect: (projectId, serviceId, client, socket) => connections.connect(services.find(projectId, serviceId), client, socket)
    },
    async run(projectId, clientId, order, requestId, onAccepted) {
      if (closing.signal.aborted) throw new AppError('shutting_down', 'the server is stopping; send the action again in a moment')
      const stored = accept(projectId, clientId, order)
      parts.onChange?.(stored.record)
      onAccepted?.(stored.record.id)
      return await planAndStart(stored, requestId)
    },
    plans: {
      list(projectId, { status, limit, before }) {
        const place = before === undefined ? undefined : store.find(projectId, before).number
        const rows = store.list(projectId, { status, limit: limit + 1, before: place })
        const plans: PlanSummary[] = rows.slice(0, limit).map(({ number: _, ...summary }) => summary)
        return { plans, next: rows.length > limit ? (plans.at(-1)?.id ?? null) : null }
      },
      inspect,
      servicesOf,
      attempts: (projectId, id) => store.attempts(store.find(projectId, id).number),
      follow(projectId, id, listener) {
        const { record, events } = inspect(projectId, id)
        const { number, settled } = store.find(projectId, id)
        listener([
          ...events.map((event): PlanNews => ({ type: 'log', event })),
          { type: 'status', record, settled: settled || (runner.live(number) === undefined && record.status !== 'pending') }
        ])
        return followers.add(id, listener)
      },
      abort(projectId, id, by, reason) {
        const { number, record } = store.find(projectId, id)
        const making = planning.get(id)
        // Its planning ended, and that could not be written down.
        if (making === undefined && record.status === 'pending') return giveUp(number, record, aborted(by, reason))
        if (making === undefined) return runner.abort(number, by, reason)
        if (making.by !== undefined) throw new AppError('conflict', `the plan is being cancelled already: ${making.by} aborted it`)
        Object.assign(making, { by, reason })
        making.stop.abort(new AppError('cancelled', `${by} aborted it`))
        return { ...record, status: 'cancelled', changedAt: Date.now() }
      },
      decide: (projectId, id, task, decision) => runner.decide(store.find(projectId, id).number, task, decision)
    },
    groundings: { apply: groundings.apply, list: groundings.list, remove: groundings.remove, removeAll: groundings.removeAll },
    webhooks: {
      add: webhooks.add,
      list: webhooks.list,
      remove: webhooks.remove,
      deliveries: webhooks.deliveries,
      redeliver: webhooks.redeliver
    },
    compensationFailures: { list: failures.list, find: failures.find, settle: failures.settle },
    cache: { entries: cache.entries, clear: cache.clear },
    keyRevoked: (keyId) => connections.keyRevoked(keyId),
    async close() {
      closing.abort(new AppError('shutting_down', 'the server is stopping'))
      clearTimeout(pruning)
      runner.close()
      connections.close()
      await webhooks.close()
    }
  }
}
