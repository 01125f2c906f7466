import type { TaskRequest } from './service-host.ts'

/** What was asked of whom. `connection` is its number: one that went is not to be kept in memory for that. */
export type Sending = Pick<TaskRequest, 'kind' | 'taskId' | 'idempotencyKey'> & { serviceId: string; connection: number; instance: string }

export type Sendings = {
  note(executionId: string, sending: Sending): void
  find(executionId: string): Sending | undefined
  /** The newest sending of a piece of work. */
  newestOf(idempotencyKey: string): Sending | undefined
}

/** Remembers the last `limit` requests, so that services can only answer what they were asked. The log remembers the rest. */
export function createSendings(limit: number): Sendings {
  const byExecution = new Map<string, Sending>()
  const byWork = new Map<string, Sending>()
  return {
    note(executionId, sending) {
      remember(byExecution, executionId, sending, limit)
      remember(byWork, sending.idempotencyKey, sending, limit)
    },
    find: (executionId) => byExecution.get(executionId),
    newestOf: (idempotencyKey) => byWork.get(idempotencyKey)
  }
}

/** A map keeps the order of insertion, so its first entry is its oldest. */
function remember(map: Map<string, Sending>, key: string, sending: Sending, limit: number): void {
  map.delete(key)
  map.set(key, sending)
  if (map.size <= limit) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
