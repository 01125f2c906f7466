import type { PlanStatus } from '#contracts/plan.ts'
import type { CompensationViewState, TaskViewState } from '#contracts/plan-views.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { compensationTones, planTones, taskTones } from './plan-list.ts'
import { plansText } from './text.ts'

export function PlanState({ status }: { status: PlanStatus }) {
  const t = plansText.useText()
  return <StateMark tone={planTones[status]}>{t(`status-${status}`)}</StateMark>
}

export function TaskState({ state }: { state: TaskViewState }) {
  const t = plansText.useText()
  return <StateMark tone={taskTones[state]}>{t(`task-${state}`)}</StateMark>
}

/** How taking a task's result back goes. */
export function CompensationState({ state }: { state: CompensationViewState }) {
  const t = plansText.useText()
  return <StateMark tone={compensationTones[state]}>{t(`back-${state}`)}</StateMark>
}
