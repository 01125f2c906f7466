import type { CompensationFailure, PlanRecord } from '#contracts/plan.ts'

const at = Date.parse('2026-11-24T12:00:00.250Z')

/** A plan of one task that ended well, but for what is given. */
export function planRecord(given: Partial<PlanRecord> = {}): PlanRecord {
  return {
    id: 'o_1',
    projectId: 'p_1',
    clientId: 'key-1',
    action: 'Echo a message',
    data: [{ field: 'message', value: 'Hello' }],
    approval: [],
    status: 'completed',
    plan: {
      taskZero: { message: 'Hello' },
      tasks: [{ id: 'task1', service: 's_echo', serviceVersion: 1, input: { text: '$task0.message' }, approval: false }],
      parallelGroups: [['task1']]
    },
    cache: null,
    grounding: null,
    warnings: [],
    results: [{ text: 'Hello' }],
    failure: null,
    abortPayload: null,
    timeoutMs: 30_000,
    gracePeriodMs: 1_800_000,
    deadlineAt: null,
    createdAt: at - 1000,
    changedAt: at,
    ...given
  }
}

export function compensationFailure(given: Partial<CompensationFailure> = {}): CompensationFailure {
  return {
    id: 'c_1',
    projectId: 'p_1',
    planId: 'o_1',
    taskId: 'task1',
    serviceId: 's_pay',
    serviceName: 'Payment',
    compensation: { data: { payment: 7 }, context: { orchestrationId: 'o_1', reason: 'failed' }, ttlMs: 1000 },
    status: 'failed',
    resolutionState: 'pending',
    failure: 'the bank said no',
    resolution: '',
    attemptsMade: 10,
    maxAttempts: 10,
    createdAt: at,
    resolvedAt: null,
    ...given
  }
}
