import { type LoggedPlanEvent, PlanEvent, type PlanRecord, type Service } from '#contracts/plan.ts'
import type { PlanInspection } from '../../../server/plans/plan-engine.ts'

export const start = Date.parse('2026-11-24T12:00:00.000Z')

export function service(id: string, name: string, revertible: boolean): Service {
  return {
    id,
    projectId: 'p_1',
    kind: 'service',
    name,
    description: `${name}s things`,
    input: { type: 'object', properties: { item: { type: 'string' } } },
    output: { type: 'object', properties: { id: { type: 'string' } } },
    revertible,
    approval: false,
    version: 2,
    origin: 'connected',
    registeredAt: 0
  }
}

const task = (id: string, service: string, input: Record<string, string>) => ({ id, service, serviceVersion: 2, input, approval: false })

/** Stock and price are looked up at the same time, then the item is reserved, then paid for. The request came a second before the start. */
export function shopPlan(given: Partial<PlanRecord> = {}, log: [ms: number, event: Record<string, unknown>][] = []): PlanInspection {
  const record: PlanRecord = {
    id: 'o_shop',
    projectId: 'p_1',
    clientId: 'key-1',
    action: 'Buy a chair',
    approval: [],
    data: [
      { field: 'item', value: 'chair' },
      { field: 'buyer', value: { name: 'Ada' } }
    ],
    status: 'processing',
    plan: {
      taskZero: { item: 'chair', buyer: { name: 'Ada' }, count: 2 },
      tasks: [
        task('task1', 's_stock', { item: '$task0.item' }),
        task('task10', 's_price', { item: '$task0.item', buyer: '$task0.buyer' }),
        task('task2', 's_reserve', { stock: '$task1.id', item: '$task0.item' }),
        task('task3', 's_pay', { reservation: '$task2.id', price: '$task10.id' })
      ],
      parallelGroups: [['task1', 'task10'], ['task2'], ['task3']]
    },
    cache: null,
    grounding: null,
    warnings: [],
    results: null,
    failure: null,
    abortPayload: null,
    timeoutMs: 30_000,
    gracePeriodMs: 1_800_000,
    deadlineAt: null,
    createdAt: start - 1000,
    changedAt: start,
    ...given
  }
  const services = [
    service('s_stock', 'Stock', false),
    service('s_price', 'Price', true),
    service('s_reserve', 'Reserve', true),
    service('s_pay', 'Pay', true)
  ]
  // What never became a plan has no log.
  const events = record.plan === null ? [] : logOf([[0, { type: 'plan-started', plan: record.plan }], ...log])
  return { record, events, services }
}

export function logOf(log: readonly [ms: number, event: Record<string, unknown>][]): LoggedPlanEvent[] {
  return log.map(([ms, event], offset) => ({ ...PlanEvent.parse(event), offset, at: start + ms }))
}

export const sent = (task: string, attempt = 1) => ({
  type: 'task-sent',
  task,
  attempt,
  executionId: `e_${task}_${attempt}`,
  idempotencyKey: `key-${task}`
})
export const completed = (task: string, compensation?: unknown) => ({
  type: 'task-completed',
  task,
  output: { id: `${task}-id` },
  ...(compensation === undefined ? {} : { compensation })
})
export const compensable = { data: { id: 7 }, ttlMs: 60_000 }
export const takenBack = (task: string, attempt = 1) => ({ ...sent(task, attempt), type: 'compensation-sent', executionId: `e_comp_${attempt}` })

/** Payment fails after a retry, the reservation is taken back, taking back the price fails. */
export function failedPurchase(): PlanInspection {
  const failure = { code: 'task_failed' as const, message: 'no money', task: 'task3', service: 's_pay' }
  return shopPlan({ status: 'failed', failure, changedAt: start + 900 }, [
    [1, sent('task1')],
    [1, sent('task10')],
    [3, { type: 'task-accepted', task: 'task1', executionId: 'e_task1_1' }],
    [10, completed('task1')],
    [20, { type: 'task-interim', task: 'task10', id: 'i_1', data: { progress: 50 } }],
    [40, completed('task10', compensable)],
    [41, { type: 'task-paused', task: 'task2', id: 'pause', reason: 'Reserve is away' }],
    [61, sent('task2')],
    [100, completed('task2', compensable)],
    [101, sent('task3')],
    [200, { type: 'task-attempt-failed', task: 'task3', attempt: 1, error: 'no answer within 0.1 s', timedOut: true, retryAt: start + 400 }],
    [400, sent('task3', 2)],
    [899, { type: 'task-attempt-failed', task: 'task3', attempt: 2, error: 'no money', timedOut: false }],
    [900, { type: 'task-failed', task: 'task3', error: 'no money' }],
    [900, { type: 'plan-failed', failure }],
    [901, takenBack('task2')],
    [950, { type: 'compensation-partial', task: 'task2', completed: ['a'], remaining: ['b'] }],
    [951, takenBack('task10')],
    [960, { type: 'compensation-attempt-failed', task: 'task10', attempt: 1, error: 'try later', retryAt: start + 970 }],
    [970, takenBack('task10', 2)],
    [980, { type: 'compensation-failed', task: 'task10', error: 'try later', attempts: 2 }]
  ])
}
