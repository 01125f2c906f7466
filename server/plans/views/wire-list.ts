import type { Json } from '#contracts/plan.ts'
import type { PlanSummary } from '#contracts/plan-api.ts'
import type { WireStatus } from '../protocol/statuses.ts'
import { wireError } from './wire-outcome.ts'

/** A plan in the protocol's list. */
export type WireListItem = {
  id: string
  action: string
  status: WireStatus
  error?: Json
  timestamp: string
  compensation?: NonNullable<PlanSummary['compensation']>
}

/** Plans by how they stand; a group without any is left out. */
export type WireList = Partial<Record<(typeof groups)[PlanSummary['status']], WireListItem[]>>

const groups = {
  pending: 'pending',
  processing: 'processing',
  completed: 'completed',
  failed: 'failed',
  not_actionable: 'notActionable',
  aborted: 'aborted',
  cancelled: 'cancelled'
} as const satisfies Record<PlanSummary['status'], string>

/** The protocol's list. Within each group the order is that of `plans`. */
export function toWireList(plans: readonly PlanSummary[]): WireList {
  const list: WireList = {}
  for (const plan of plans) {
    const group = groups[plan.status]
    list[group] ??= []
    list[group].push(toWireListItem(plan))
  }
  return list
}

export function toWireListItem(plan: PlanSummary): WireListItem {
  const error = wireError(plan)
  return {
    id: plan.id,
    action: plan.action,
    status: plan.status,
    ...(error === undefined ? {} : { error }),
    timestamp: new Date(plan.createdAt).toISOString(),
    ...(plan.compensation === null ? {} : { compensation: plan.compensation })
  }
}
