import type { ActionParameter, Grounding, Plan, SchemaNode, Service } from '#contracts/plan.ts'
import type { CacheQuestion } from '../../server/plans/cache/plan-cache.ts'

const text: SchemaNode = { type: 'string' }

/** A service of a small shop; `input` and `output` name its text fields. */
export function service(name: string, description: string, fields: { input: string[]; output: string[] }, version = 1): Service {
  const schema = (names: string[]): SchemaNode => ({ type: 'object', properties: Object.fromEntries(names.map((field) => [field, text])) })
  return {
    id: `s_${name
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '')
      .padEnd(28, 'x')}`,
    projectId: 'p_1',
    kind: 'service',
    name,
    description,
    input: schema(fields.input),
    output: schema(fields.output),
    revertible: false,
    approval: false,
    version,
    origin: 'connected',
    registeredAt: 0
  }
}

export const eligibility = service('Eligibility', 'Verifies that an order may be refunded', { input: ['orderId'], output: ['eligible'] })
export const refunds = service('Refunds', 'Pays the money of an order back', { input: ['orderId', 'eligible'], output: ['receipt'] })

export function shopQuestion(action: string, data: ActionParameter[] = [], more: Partial<CacheQuestion> = {}): CacheQuestion {
  return { projectId: 'p_1', action, data, services: [eligibility, refunds], grounding: undefined, ...more }
}

/** Verifies, then refunds. */
export function refundPlan(taskZero: Plan['taskZero']): Plan {
  return {
    taskZero,
    tasks: [
      { id: 'task1', service: eligibility.id, serviceVersion: 1, input: { orderId: '$task0.orderId' }, approval: false },
      { id: 'task2', service: refunds.id, serviceVersion: 1, input: { orderId: '$task0.orderId', eligible: '$task1.eligible' }, approval: false }
    ],
    parallelGroups: [['task1'], ['task2']]
  }
}

export const shopGrounding: Grounding = {
  name: 'shop',
  domain: 'e-commerce',
  version: '1.0',
  useCases: [
    {
      action: 'Refund the order {orderId}',
      params: { orderId: 'ORD-1' },
      capabilities: ['Verify that an order may be refunded', 'Pay money back'],
      intent: 'The customer wants their money back'
    },
    { action: 'List all open orders', params: {}, capabilities: ['List orders'], intent: 'See what is to be done' }
  ],
  constraints: []
}
