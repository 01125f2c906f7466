import { createHash } from 'node:crypto'

/**
 * The idempotency key of a task: the same for the same work, whenever it is sent. SHA-256 (hex) of the plan's id, the task's id, and the sorted
 * texts `dependency:output` with each output as JSON, as the original's services know it.
 */
export function taskKey(planId: string, taskId: string, outputs: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256').update(planId).update(taskId)
  for (const text of Object.entries(outputs)
    .map(([task, output]) => `${task}:${output}`)
    .sort())
    hash.update(text)
  return hash.digest('hex')
}

/** The same of taking a task back. */
export function compensationKey(planId: string, taskId: string): string {
  return createHash('sha256').update(planId).update(taskId).update('compensation_worker').digest('hex')
}
