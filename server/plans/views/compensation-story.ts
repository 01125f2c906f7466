import type { PlanRecord } from '#contracts/plan.ts'
import type { PlanSummary } from '#contracts/plan-api.ts'
import type { CompensationViewState, TimelineSending } from '#contracts/plan-views.ts'
import type { PlanInspection } from '../plan-engine.ts'
import { eventsByTask, serviceOf, type TaskEvent } from './plan-parts.ts'

/** The taking back of one task from the log, told with times in Unix milliseconds. */
export type CompensationStory = {
  state: CompensationViewState
  sendings: TimelineSending[]
  /** When the plan's end made it due, or it was first sent. */
  since: number
  endAt: number | null
  error: string | null
}

/** Undefined: nothing of this task is to be taken back. */
export function tellCompensation(record: Pick<PlanRecord, 'status' | 'changedAt'>, events: readonly TaskEvent[]): CompensationStory | undefined {
  let story: CompensationStory | undefined
  for (const event of events) {
    if ((event.type === 'task-completed' || event.type === 'late-result') && event.compensation !== undefined && isTakenBack(record)) {
      story ??= { state: 'pending', sendings: [], since: record.changedAt, endAt: null, error: null }
    } else if (event.type.startsWith('compensation-')) {
      story ??= { state: 'pending', sendings: [], since: event.at, endAt: null, error: null }
      tell(story, event)
    }
  }
  return story
}

/**
 * How far the taking back of a plan is: `total` counts its revertible tasks, `completed` also what was taken back in part, `failed` also what
 * came too late. Null: there is nothing to take back.
 */
export function summariseCompensation({ record, events, services }: PlanInspection): PlanSummary['compensation'] {
  if (!isTakenBack(record) || record.plan === null) return null
  const total = record.plan.tasks.filter((task) => serviceOf(task, services)?.revertible === true).length
  if (total === 0) return null
  const summary = { active: false, total, completed: 0, failed: 0 }
  for (const own of eventsByTask(events).values()) {
    const state = tellCompensation(record, own)?.state
    if (state === 'completed' || state === 'partial') summary.completed++
    else if (state === 'failed' || state === 'expired') summary.failed++
    else if (state !== undefined) summary.active = true
  }
  return summary
}

function isTakenBack({ status }: Pick<PlanRecord, 'status'>): boolean {
  return status === 'failed' || status === 'aborted'
}

function tell(story: CompensationStory, event: TaskEvent): void {
  const last = story.sendings.at(-1)
  const endLast = (outcome: TimelineSending['outcome'], error: string | null = null) => {
    if (last?.outcome !== 'running') return
    last.endMs = event.at
    last.outcome = outcome
    last.error = error
  }
  const end = (state: 'completed' | 'partial' | 'failed' | 'expired', error: string | null = null) => {
    endLast(state, error)
    story.state = state
    story.endAt = event.at
    story.error = error
  }
  switch (event.type) {
    case 'compensation-sent':
      endLast('lost')
      story.sendings.push({ attempt: event.attempt, sentMs: event.at, acceptedMs: null, endMs: null, outcome: 'running', error: null })
      story.state = 'running'
      return
    case 'compensation-attempt-failed':
      endLast('failed', event.error)
      story.state = 'retrying'
      story.error = event.error
      return
    case 'compensation-completed':
      end('completed')
      return
    case 'compensation-partial':
      end('partial')
      return
    case 'compensation-failed':
      end('failed', event.error)
      return
    case 'compensation-expired':
      end('expired', event.error)
      return
  }
}
