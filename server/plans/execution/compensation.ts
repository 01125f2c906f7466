import type { Json, JsonObject, PlanStatus } from '#contracts/plan.ts'
import type { TaskRequest } from '../services/service-host.ts'
import type { CompensationState, PlanState } from './state.ts'

/** Whether what a plan did is to be taken back. */
export function isCompensated(status: PlanStatus): boolean {
  return status === 'failed' || status === 'aborted'
}

/** In reverse order of completion, one after another: the one that runs, or else the next. Undefined: all have ended. */
export function nextCompensation(state: PlanState): CompensationState | undefined {
  let next: CompensationState | undefined
  for (const compensation of state.compensations.values()) {
    if (compensation.phase === 'sent' || compensation.phase === 'retrying') return compensation
    if (compensation.phase === 'due' && (next === undefined || compensation.order > next.order)) next = compensation
  }
  return next
}

/** How an attempt to take something back went, from what the service answered. */
export type CompensationOutcome =
  | { type: 'completed' }
  | { type: 'partial'; completed: Json[]; remaining: Json[] }
  | { type: 'failed'; error: string }

export function toCompensationOutcome(result: Json): CompensationOutcome {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return { type: 'completed' }
  const { partial } = result
  if (isObject(partial)) return { type: 'partial', completed: listOf(partial['completed']), remaining: listOf(partial['remaining']) }
  if (result['status'] !== 'failed') return { type: 'completed' }
  const { error } = result
  return { type: 'failed', error: typeof error === 'string' && error !== '' ? error : 'the service says that it failed' }
}

/** What a service is told of why its work is taken back. */
export function compensationContext(state: PlanState): NonNullable<TaskRequest['compensationContext']> {
  const end = state.end
  return {
    orchestrationId: state.planId,
    reason: end?.status === 'aborted' ? 'aborted' : 'failed',
    // The Python SDK takes an object or nothing.
    ...(isObject(end?.payload) ? { payload: end.payload } : {}),
    timestamp: new Date(end?.at ?? 0).toISOString()
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}
