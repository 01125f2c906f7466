import type { PlanRecord } from '#contracts/plan.ts'
import type { WireCompensationStatus } from '../protocol/statuses.ts'
import { tellCompensation } from './compensation-story.ts'
import type { TaskEvent } from './plan-parts.ts'

/** In the protocol's words. */
export type WireCompensation = { status: WireCompensationStatus; attempt: number; max_attempts: number; timestamp: string }
export type WireCompensationEntry = {
  id: string
  taskId: string
  status: WireCompensationStatus
  attempt: number
  maxAttempts: number
  timestamp: string
  error?: string
}

/** How the taking back of one task went, from the entries of exactly this task, and how it stands. Undefined: there is nothing to take back. */
export function toWireCompensation(
  record: PlanRecord,
  task: string,
  events: readonly TaskEvent[],
  maxAttempts: number
): { now: WireCompensation; history: WireCompensationEntry[] } | undefined {
  const story = tellCompensation(record, events)
  if (story === undefined) return undefined
  const history: WireCompensationEntry[] = []
  for (const event of events) {
    const entry = toEntry(event)
    if (entry === undefined) continue
    const attempt = 'attempt' in event ? event.attempt : 'attempts' in event ? event.attempts : (history.at(-1)?.attempt ?? 0)
    history.push({ taskId: task, attempt, maxAttempts, timestamp: toTimestamp(event.at), ...entry })
  }
  const last = history.at(-1)
  const now: WireCompensation = {
    status: last?.status ?? 'pending',
    attempt: last?.attempt ?? 0,
    max_attempts: maxAttempts,
    timestamp: last?.timestamp ?? toTimestamp(story.since)
  }
  return { now, history }
}

function toEntry(event: TaskEvent): { id: string; status: WireCompensationStatus; error?: string } | undefined {
  switch (event.type) {
    case 'compensation-sent':
      return { id: `comp_attempt_${event.task}_${event.executionId}`, status: 'processing' }
    case 'compensation-attempt-failed':
      return { id: `comp_attempt_${event.task}_${event.attempt}`, status: 'failed', error: event.error }
    case 'compensation-completed':
      return { id: `comp_complete_${event.task}`, status: 'completed' }
    case 'compensation-partial':
      return { id: `comp_complete_${event.task}`, status: 'partial' }
    case 'compensation-failed':
      return { id: `comp_fail_${event.task}`, status: 'failed', error: event.error }
    case 'compensation-expired':
      return { id: `comp_fail_${event.task}`, status: 'expired', error: event.error }
    default:
      return undefined
  }
}

function toTimestamp(at: number): string {
  return new Date(at).toISOString()
}
