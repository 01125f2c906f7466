import { randomBytes } from 'node:crypto'
import {
  type CompensationFailure,
  Grounding,
  type LoggedPlanEvent,
  type PlanEvent,
  type PlanFailure,
  type PlanOrder,
  type PlanRecord,
  type Service
} from '#contracts/plan.ts'
import { type Delivery, isFinal, type Webhook } from '#contracts/plan-api.ts'
import { AppError } from '../../server/errors.ts'
import type { PlanEngine, PlanNews } from '../../server/plans/plan-engine.ts'
import type { Database } from '../../server/store/database.ts'
import { createPlanProjectStore } from '../../server/store/plan-projects.ts'

type Entry = { record: PlanRecord; events: LoggedPlanEvent[]; news: PlanNews[]; listeners: Set<(news: PlanNews[]) => void> }

/** A plan as a test drives it. */
export type ScriptedPlan = {
  readonly id: string
  readonly order: PlanOrder
  /** Task ids of the plan, in order. */
  readonly tasks: string[]
  log(...events: PlanEvent[]): void
  progress(progress: Extract<PlanNews, { type: 'planning' }>['progress']): void
  /** The log's last event, and the final state that follows from it. */
  finish(how: 'completed' | 'failed' | 'aborted' | 'cancelled'): void
}

/** `plan`: called once the plan is made. `decided`: when somebody approved or refused. */
export type PlanScript = {
  planning?: (plan: ScriptedPlan) => Promise<void> | void
  plan?: (plan: ScriptedPlan) => void
  decided?: (plan: ScriptedPlan) => void
}

const id = (prefix: string) => `${prefix}${randomBytes(11).toString('hex')}`

/** Sends and completes every task at once. */
export const runToTheEnd = (plan: ScriptedPlan) => {
  for (const task of plan.tasks) {
    plan.log(
      { type: 'task-sent', task, attempt: 1, executionId: id('e_'), idempotencyKey: 'k' },
      { type: 'task-completed', task, output: { echoed: task } }
    )
  }
  plan.finish('completed')
}

/**
 * The plan engine with its registers real enough to be called, and without execution: a plan has one task for each service of its project,
 * each fed by the one before, and `script` plays what happens to it. Actions with the word "impossible" cannot be planned.
 */
export function createScriptedPlans(db: Database, script: PlanScript = {}) {
  const projects = createPlanProjectStore(db, { newId: () => id('p_') })
  const services: Service[] = []
  const webhooks: Webhook[] = []
  const groundings = new Map<string, Grounding>()
  const failures: CompensationFailure[] = []
  const deliveries: Delivery[] = []
  const entries = new Map<string, Entry>()
  const running = new Map<string, ScriptedPlan>()
  const asked: string[] = []

  const missing = (what: string) => new AppError('not_found', `there is no such ${what} in this project`)
  const serviceOf = (projectId: string, serviceId: string) => {
    const service = services.find((known) => known.id === serviceId && known.projectId === projectId)
    if (service === undefined) throw missing('service')
    return service
  }
  const entryOf = (projectId: string, planId: string) => {
    const entry = entries.get(planId)
    if (entry === undefined || entry.record.projectId !== projectId) throw missing('plan')
    return entry
  }
  const tell = (entry: Entry, ...news: PlanNews[]) => {
    entry.news.push(...news)
    for (const listener of [...entry.listeners]) listener(news)
  }
  const become = (entry: Entry, changes: Partial<PlanRecord>) => {
    entry.record = { ...entry.record, ...changes, changedAt: Date.now() }
    tell(entry, { type: 'status', record: entry.record, settled: isFinal(entry.record.status) })
  }
  const log = (entry: Entry, ...events: PlanEvent[]) => {
    for (const event of events) {
      const logged = { ...event, offset: entry.events.length, at: Date.now() }
      entry.events.push(logged)
      tell(entry, { type: 'log', event: logged })
    }
  }
  const failure = (code: PlanFailure['code'], message: string): PlanFailure => ({ code, message })

  const plans: PlanEngine = {
    projects,
    services: {
      register(projectId, kind, { id: given, name, description, schema, revertible, approval }) {
        if (name === '') throw new AppError('invalid_request', 'name is required', { param: 'name' })
        if (typeof schema.input !== 'object') throw new AppError('invalid_request', 'schema.input is required', { param: 'schema.input' })
        const before = given === undefined || given === null ? undefined : serviceOf(projectId, given)
        const service: Service = {
          id: before?.id ?? `s_${'abcdefghij'.repeat(3).slice(0, 28 - String(services.length).length)}${'abcdefghij'[services.length % 10]}`,
          projectId,
          kind,
          name,
          description,
          input: schema.input as Service['input'], // Tests register none that are wrong.
          output: schema.output as Service['output'],
          revertible,
          approval: approval ?? false,
          version: (before?.version ?? 0) + 1,
          origin: 'connected',
          registeredAt: Date.now()
        }
        if (before === undefined) services.push(service)
        else services.splice(services.indexOf(before), 1, service)
        return service
      },
      list: (projectId) => services.filter((known) => known.projectId === projectId).map((known) => ({ ...known, healthy: true, instances: 1 })),
      find: (projectId, serviceId) => ({ ...serviceOf(projectId, serviceId), healthy: true, instances: 1 }),
      remove: (projectId, serviceId) => void services.splice(services.indexOf(serviceOf(projectId, serviceId)), 1),
      connect: () => {
        throw missing('service')
      }
    },
    async run(projectId, clientId, order, _requestId, onAccepted) {
      const now = Date.now()
      const record: PlanRecord = {
        id: id('o_'),
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
        timeoutMs: order.timeoutMs ?? 30_000,
        gracePeriodMs: order.gracePeriodMs ?? 1_800_000,
        deadlineAt: null,
        createdAt: now,
        changedAt: now
      }
      const entry: Entry = { record, events: [], news: [], listeners: new Set() }
      entries.set(record.id, entry)
      tell(entry, { type: 'status', record, settled: false })
      onAccepted?.(record.id)
      const known = services.filter((service) => service.projectId === projectId)
      const scripted: ScriptedPlan = {
        id: record.id,
        order,
        tasks: known.map((_, index) => `task${index + 1}`),
        log: (...events) => log(entry, ...events),
        progress: (progress) => tell(entry, { type: 'planning', progress }),
        finish(how) {
          if (how === 'completed') {
            const results = [{ done: true }]
            log(entry, { type: 'plan-completed', results })
            become(entry, { status: how, results })
            return
          }
          const why = failure(how === 'failed' ? 'task_failed' : how, `it was ${how}`)
          if (how === 'aborted') log(entry, { type: 'plan-aborted', failure: why, payload: { why: 'no stock' } })
          else if (how === 'failed') log(entry, { type: 'plan-failed', failure: why })
          become(entry, { status: how, failure: why, ...(how === 'aborted' ? { abortPayload: { why: 'no stock' } } : {}) })
        }
      }
      running.set(record.id, scripted)
      await script.planning?.(scripted)
      if (known.length === 0) {
        become(entry, { status: 'failed', failure: failure('planning_failed', 'the project has no service yet') })
        throw new AppError('planning_failed', 'the project has no service yet')
      }
      if (order.action.includes('impossible')) {
        become(entry, { status: 'not_actionable', failure: failure('not_actionable', 'no service can do the impossible') })
        throw new AppError('not_actionable', 'no service can do the impossible')
      }
      const plan = {
        taskZero: Object.fromEntries(order.data.map(({ field, value }) => [field, value])),
        tasks: known.map((service, index) => ({
          id: `task${index + 1}`,
          service: service.id,
          serviceVersion: service.version,
          input: { message: index === 0 ? `$task0.${order.data[0]?.field ?? 'message'}` : `$task${index}.echoed` },
          approval: service.approval || (order.approval?.includes(service.id) ?? false)
        })),
        parallelGroups: known.map((_, index) => [`task${index + 1}`])
      }
      log(entry, { type: 'plan-started', plan })
      become(entry, { status: 'processing', plan })
      queueMicrotask(() => (script.plan ?? runToTheEnd)(scripted))
      return entry.record
    },
    plans: {
      list(projectId, { status, limit, before }) {
        const all = [...entries.values()]
          .map(({ record }) => record)
          .filter((record) => record.projectId === projectId && (status === undefined || record.status === status))
        const newest = all.reverse()
        const rest = before === undefined ? newest : newest.slice(newest.findIndex((record) => record.id === before) + 1)
        const page = rest.slice(0, limit)
        return { plans: page.map((record) => ({ ...record, compensation: null })), next: rest.length > limit ? (page.at(-1)?.id ?? null) : null }
      },
      servicesOf: ({ plan }) => services.filter(({ id }) => plan?.tasks.some(({ service }) => service === id) === true),
      inspect(projectId, planId) {
        const { record, events } = entryOf(projectId, planId)
        return { record, events, services: services.filter((service) => service.projectId === projectId) }
      },
      attempts(projectId, planId) {
        entryOf(projectId, planId)
        const attempt = {
          attempt: 1,
          phase: 'whole' as const,
          model: 'small',
          prompt: 'Plan this',
          answer: '{"tasks":[]}',
          reasoning: '',
          findings: []
        }
        return [{ ...attempt, promptTokens: 9, completionTokens: 2, ms: 3, at: 5 }]
      },
      follow(projectId, planId, listener) {
        const entry = entryOf(projectId, planId)
        listener([...entry.news])
        entry.listeners.add(listener)
        return () => void entry.listeners.delete(listener)
      },
      abort(projectId, planId, by, reason) {
        const entry = entryOf(projectId, planId)
        if (isFinal(entry.record.status)) throw new AppError('conflict', `the plan ${planId} has ended already`)
        const why = failure('aborted', `aborted by ${by}: ${reason}`)
        log(entry, { type: 'plan-aborted', failure: why, payload: null })
        become(entry, { status: 'aborted', failure: why })
        return entry.record
      },
      decide(projectId, planId, task, decision) {
        const entry = entryOf(projectId, planId)
        const waits = entry.events.findLast((event) => 'task' in event && event.task === task)?.type === 'approval-requested'
        if (!waits) throw new AppError('conflict', `${task} does not wait for approval`)
        log(entry, { type: 'approval-decided', task, ...decision })
        const scripted = running.get(planId)
        if (scripted !== undefined) queueMicrotask(() => (script.decided ?? runToTheEnd)(scripted))
        return entry.record
      }
    },
    groundings: {
      apply(projectId, given) {
        const { data: grounding } = Grounding.safeParse(given)
        if (grounding === undefined || !/^[a-z0-9.-]{3,63}$/.test(grounding.name))
          throw new AppError('invalid_request', 'name is wrong', { param: 'name' })
        const empty = grounding.useCases.findIndex(({ action }) => action === '')
        if (empty >= 0) throw new AppError('invalid_request', 'action is empty', { param: `useCases.${empty}.action` })
        const key = `${projectId} ${grounding.name}`
        if (groundings.get(key)?.version === grounding.version) {
          throw new AppError('conflict', `the project already has a grounding with name ${grounding.name} and version ${grounding.version}`)
        }
        groundings.set(key, grounding)
        return grounding
      },
      list: (projectId) => [...groundings].filter(([key]) => key.startsWith(`${projectId} `)).map(([, grounding]) => grounding),
      remove: (projectId, name) => groundings.delete(`${projectId} ${name}`),
      removeAll(projectId) {
        for (const key of [...groundings.keys()]) if (key.startsWith(`${projectId} `)) groundings.delete(key)
      }
    },
    webhooks: {
      add(projectId, kind, url) {
        if (!URL.canParse(url)) throw new AppError('invalid_request', 'url must be the http or https address of a webhook', { param: 'url' })
        const webhook = { id: id('w_'), projectId, kind, url, createdAt: Date.now() }
        webhooks.push(webhook)
        return { webhook, secret: 'whsec-canary' }
      },
      list: (projectId, kind) => webhooks.filter((known) => known.projectId === projectId && (kind === undefined || known.kind === kind)),
      remove(projectId, webhookId) {
        const index = webhooks.findIndex((known) => known.projectId === projectId && known.id === webhookId)
        if (index < 0) throw missing('webhook')
        webhooks.splice(index, 1)
      },
      deliveries: (_projectId, options) => deliveries.filter(({ planId }) => options?.planId === undefined || options.planId === planId),
      redeliver(projectId, deliveryId) {
        if (!deliveries.some((known) => known.id === deliveryId)) throw missing('delivery')
        asked.push(`redeliver ${deliveryId} of ${projectId}`)
      }
    },
    compensationFailures: {
      list: (projectId) => failures.filter((known) => known.projectId === projectId),
      find(projectId, failureId) {
        const found = failures.find((known) => known.projectId === projectId && known.id === failureId)
        if (found === undefined) throw missing('compensation failure')
        return found
      },
      settle(projectId, failureId, resolution, reason) {
        const found = plans.compensationFailures.find(projectId, failureId)
        return Object.assign(found, { resolutionState: resolution, resolution: reason, resolvedAt: 7 })
      }
    },
    cache: { entries: () => [], clear: () => 3 },
    keyRevoked: (keyId) => void asked.push(`key ${keyId} revoked`),
    close: async () => {}
  }
  return { plans, services, failures, deliveries, asked, running }
}

/** Of a service that echoes. */
export const echo = {
  name: 'echo',
  description: 'Echoes a message',
  schema: {
    input: { type: 'object', properties: { message: { type: 'string' } } },
    output: { type: 'object', properties: { echoed: { type: 'string' } } }
  }
}

export const compensationFailure = (projectId: string): CompensationFailure => ({
  id: id('c_'),
  projectId,
  planId: 'o_1',
  taskId: 'task1',
  serviceId: 's_1',
  serviceName: 'billing',
  compensation: { data: { paid: 5 }, context: { reason: 'failed' }, ttlMs: 1000 },
  status: 'failed',
  resolutionState: 'pending',
  failure: 'the bank was closed',
  resolution: '',
  attemptsMade: 10,
  maxAttempts: 10,
  createdAt: 1_700_000_000_000,
  resolvedAt: null
})
