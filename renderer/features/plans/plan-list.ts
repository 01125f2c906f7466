import type { PlanStatus } from '#contracts/plan.ts'
import type { PlanSummary } from '#contracts/plan-api.ts'
import type { CompensationViewState, TaskViewState } from '#contracts/plan-views.ts'
import type { StateTone } from '../../ui/state-tone.ts'

export const statusNames = ['pending', 'processing', 'completed', 'failed', 'not_actionable', 'aborted', 'cancelled'] as const satisfies PlanStatus[]

export const planTones: Record<PlanStatus, StateTone> = {
  pending: 'none',
  processing: 'busy',
  completed: 'good',
  failed: 'bad',
  not_actionable: 'warn',
  aborted: 'quiet',
  cancelled: 'quiet'
}

export const taskTones: Record<TaskViewState, StateTone> = {
  waiting: 'none',
  approval: 'warn',
  running: 'busy',
  paused: 'warn',
  retrying: 'warn',
  completed: 'good',
  failed: 'bad',
  aborted: 'bad',
  stopped: 'quiet'
}

export const compensationTones: Record<CompensationViewState, StateTone> = {
  pending: 'none',
  running: 'busy',
  retrying: 'warn',
  completed: 'good',
  partial: 'warn',
  failed: 'bad',
  expired: 'bad'
}

/** Those whose action, id or failure has every word of the search. */
export function searchPlans<Summary extends Pick<PlanSummary, 'id' | 'action' | 'failure'>>(plans: readonly Summary[], search: string): Summary[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  return plans.filter(({ id, action, failure }) => {
    const text = `${id} ${action} ${failure?.message ?? ''}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** Whether anything can still happen to a plan. */
export const isEnded = (status: PlanStatus): boolean => status !== 'pending' && status !== 'processing'
