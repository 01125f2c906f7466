import type { TaskRequest } from './service-host.ts'

/** What was asked of whom. */
export type Sending = Pick<TaskRequest, 'kind' | 'taskId' | 'idempotencyKey'> & { serviceId: string }

/** Who was given a piece of work last. `connection` is its number: a connection that went is not to be kept for that. */
export type Holder = { serviceId: string; connection: number; instance: string }

export type Sendings = {
  note(request: TaskRequest, holder: Holder): void
  find(executionId: string): Sending | undefined
  holderOf(idempotencyKey: string): Holder | undefined
}

/** Remembers the last `limit` requests, so that services can only answer what they were asked. The log remembers the rest. */
export function createSendings(limit: number): Sendings {
  const sendings = new Map<string, Sending>()
  const holders = new Map<string, Holder>()
  return {
    note({ executionId, kind, taskId, idempotencyKey }, holder) {
      remember(sendings, executionId, { kind, taskId, idempotencyKey, serviceId: holder.serviceId }, limit)
      remember(holders, idempotencyKey, holder, limit)
    },
    find: (executionId) => sendings.get(executionId),
    holderOf: (idempotencyKey) => holders.get(idempotencyKey)
  }
}

/** A map keeps the order of insertion, so its first entry is its oldest. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= limit) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
