import type { Json } from '#contracts/plan.ts'
import { isRecord } from './schema-words.ts'
import type { TaskRequest } from './service-host.ts'

/** A request in the words of the protocol's clients. */
export function toRequestText(serviceId: string, request: TaskRequest): string {
  const { executionId, idempotencyKey, input, compensationContext } = request
  if (request.kind === 'task') return JSON.stringify({ type: 'task_request', id: request.taskId, input, executionId, idempotencyKey, serviceId })
  return JSON.stringify({
    type: 'compensation_request',
    id: request.taskId.toLowerCase(),
    input,
    executionId,
    idempotencyKey,
    serviceId,
    compensationContext: compensationContext && { ...compensationContext, payload: toContextPayload(compensationContext.payload) }
  })
}

/** The Python client drops the whole context when this is no object. */
function toContextPayload(payload: Json | undefined): Json | undefined {
  return payload === undefined || payload === null || isRecord(payload) ? payload : { value: payload }
}
