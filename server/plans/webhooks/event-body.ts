import type { CompensationFailure, PlanRecord } from '#contracts/plan.ts'
import { wireError, wireResults } from '../views/wire-outcome.ts'

/** What a webhook is told, in the words of the protocol. */
export type WebhookEvent = { type: string; body: string }

/** The final state of a plan that ran; undefined for states nobody is told of: what was never carried out, and what was cancelled. */
export function toPlanEvent(record: PlanRecord): WebhookEvent | undefined {
  const { id, projectId, plan, status, changedAt, abortPayload } = record
  if (plan === null || (status !== 'completed' && status !== 'failed' && status !== 'aborted')) return undefined
  const type = `orchestration.${status}`
  const results = wireResults(record)
  const error = status === 'aborted' ? undefined : wireError(record)
  const body = {
    event_id: eventId(id, status, changedAt),
    type,
    project_id: projectId,
    orchestration_id: id,
    status,
    timestamp: new Date(changedAt).toISOString(),
    ...(results === null ? {} : { results }),
    ...(error === undefined ? {} : { error }),
    ...(status === 'aborted' && abortPayload !== null ? { abort_reason: abortPayload } : {})
  }
  return { type, body: JSON.stringify(body) }
}

/** A compensation that failed or came too late. */
export function toCompensationEvent(failure: CompensationFailure): WebhookEvent {
  const type = 'compensation.failed'
  const { id, projectId, planId, taskId, serviceId, serviceName, status, compensation, createdAt } = failure
  const body = {
    event_id: eventId(id, status, createdAt),
    type,
    compensation_id: id,
    project_id: projectId,
    orchestration_id: planId,
    task_id: taskId,
    service_id: serviceId,
    service_name: serviceName,
    status,
    failure: failure.failure,
    compensation_data: { data: compensation.data, context: compensation.context, ttl: compensation.ttlMs },
    timestamp: new Date(createdAt).toISOString()
  }
  return { type, body: JSON.stringify(body) }
}

function eventId(id: string, status: string, at: number): string {
  return `${id}-${status}-${Math.floor(at / 1000)}`
}
