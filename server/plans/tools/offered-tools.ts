import type { SkippedTool, ToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import type { Tool } from './tool.ts'

/**
 * What a toolbox offers. `operations`: all there are, offered or not; `skipped`: what it cannot offer; `notes`: what was left out or narrowed of what it does; `target`: where its calls go, as it
 * may be shown.
 */
export type OfferedTools = { operations: string[]; tools: Tool[]; skipped: SkippedTool[]; notes: string[]; target: string }

/** Of one toolbox. A planner that is to choose among more chooses badly. */
const mostServices = 1000

/** Throws `invalid_request`: nothing or too much is offered, or the administrator named what is not there. */
export function checkOffer({ only = [], approvals }: ToolboxSpec, { operations, tools, skipped }: OfferedTools): void {
  const unknown = [...only, ...Object.keys(approvals)].filter((operation) => !operations.includes(operation))
  if (unknown.length > 0) {
    throw new AppError('invalid_request', `there is no operation ${unknown.join(', ')}; there are ${namesOf(operations)}`, { param: 'only' })
  }
  if (tools.length > mostServices) {
    throw new AppError('invalid_request', `it has ${tools.length} operations, and ${mostServices} are allowed: choose some by "only"`, {
      param: 'only'
    })
  }
  if (tools.length > 0) return
  const reasons = skipped.slice(0, 3).map(({ operation, reason }) => `${operation}: ${reason}`)
  throw new AppError('invalid_request', `it offers nothing that can be used${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`)
}

function namesOf(operations: string[]): string {
  if (operations.length === 0) return 'none'
  const shown = operations.slice(0, 20).join(', ')
  return operations.length > 20 ? `${shown} and ${operations.length - 20} more` : shown
}
