import type { WireStatus } from '../protocol/statuses.ts'
import type { TaskEvent } from './plan-parts.ts'

/** A task's status in the protocol's words, and when it came to it (Unix milliseconds). `offset`: of the entry of the log that says so. */
export type StatusEntry = { status: WireStatus; at: number; offset: number; error?: string }

/** How a task's status went, in order. What says the same of the same instant stands there once. */
export function statusHistory(events: readonly TaskEvent[]): StatusEntry[] {
  const history: StatusEntry[] = []
  for (const event of events) {
    const entry = toEntry(event)
    const last = history.at(-1)
    if (entry === undefined) continue
    if (entry.status === last?.status && (entry.at === last.at || repeats(event, last))) continue
    history.push({ ...entry, offset: event.offset, at: event.at })
  }
  return history
}

/** Accepting follows each sending, and the end of the last attempt is the end of the task. */
function repeats(event: TaskEvent, last: StatusEntry): boolean {
  return event.type === 'task-accepted' || (event.type === 'task-failed' && event.error === last.error)
}

function toEntry(event: TaskEvent): { status: WireStatus; at: number; error?: string } | undefined {
  const { at } = event
  switch (event.type) {
    case 'task-sent':
    case 'task-accepted':
      return { status: 'processing', at }
    case 'task-paused':
    case 'approval-requested':
      return { status: 'paused', at }
    case 'task-attempt-failed':
    case 'task-failed':
      return { status: 'failed', at, error: event.error }
    case 'task-completed':
      return { status: 'completed', at }
    case 'task-aborted':
      return { status: 'aborted', at }
    case 'task-stopped':
      return { status: 'cancelled', at }
    default:
      return undefined
  }
}
