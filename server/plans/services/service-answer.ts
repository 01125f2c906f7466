import { randomUUID } from 'node:crypto'
import type { Json } from '#contracts/plan.ts'
import { isRecord, kindOf } from './schema-words.ts'
import type { TaskMessage, TaskRequest } from './service-host.ts'
import type { ServiceMessage, ServicePayload } from './service-message.ts'

type Body<Message> = Message extends unknown ? Omit<Message, 'serviceId' | 'executionId' | 'idempotencyKey' | 'taskId' | 'unasked'> : never
/** What a message says of its task. */
export type ServiceAnswer = Body<TaskMessage>

/** How long a compensation may wait when the service does not say. */
const defaultTtlMs = 24 * 60 * 60 * 1000

/** A message → what it says. `kind`: of the request it answers, where that is known. Undefined: nothing that matters. */
export function toAnswer({ id, payload, problem }: ServiceMessage, kind: TaskRequest['kind'] | undefined): ServiceAnswer | undefined {
  switch (payload.type) {
    case 'task_status':
      return payload.status === 'in_progress' ? { type: 'accepted' } : undefined
    case 'task_interim_result':
      // An update is news of a task that goes on; one that cannot be kept is no reason to end it.
      return problem === undefined ? { type: 'interim', messageId: String(id ?? randomUUID()), data: innerResult(payload.result) } : undefined
    case 'task_abort_result':
      return problem === undefined
        ? { type: 'aborted', payload: innerResult(payload.result) }
        : { type: 'failed', error: `the abort payload ${problem}` }
    case 'task_result':
      return problem === undefined ? toResult(payload, kind) : { type: 'failed', error: `the result ${problem}` }
    default:
      return undefined
  }
}

function toResult({ result, error }: ServicePayload, kind: TaskRequest['kind'] | undefined): ServiceAnswer {
  if (error !== undefined && error !== null && error !== '')
    return { type: 'failed', error: typeof error === 'string' ? error : JSON.stringify(error) }
  const raw = toJson(result)
  if (!isRecord(result)) {
    if (raw === null || kind === 'compensation') return { type: 'completed', output: undefined, raw }
    return { type: 'failed', error: `the result must be an object with the output as "task", got ${kindOf(result)}` }
  }
  // The JavaScript client answers so when it is asked again for a task that it had aborted.
  if (result['status'] === 'aborted' && 'task' in result) return { type: 'aborted', payload: toJson(result['task']) }
  const compensation = toCompensation(result['compensation'])
  const output = result['task'] as Json | undefined // All of it comes from JSON.
  return { type: 'completed', output, raw, ...(compensation === undefined ? {} : { compensation }) }
}

/** Undefined: there is nothing to compensate with. */
function toCompensation(value: unknown): { data: Json; ttlMs: number } | undefined {
  if (!isRecord(value) || value['data'] === undefined || value['data'] === null) return undefined
  const { ttl } = value
  return { data: value['data'] as Json, ttlMs: typeof ttl === 'number' && ttl >= 0 ? ttl : defaultTtlMs } // All of it comes from JSON.
}

/** Updates and abort payloads come as `{"task": …}`. Clients leave the word out for undefined. */
function innerResult(result: unknown): Json {
  return toJson(isRecord(result) && 'task' in result ? result['task'] : isRecord(result) && Object.keys(result).length === 0 ? null : result)
}

function toJson(value: unknown): Json {
  return (value ?? null) as Json // All of it comes from JSON, where undefined is only what is left out.
}
