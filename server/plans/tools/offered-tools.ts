import type { SkippedTool, ToolboxSpec } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import type { Tool } from './tool.ts'

/**
 * What a toolbox offers. `skipped`: what it cannot; `notes`: what was left out or narrowed of what it does; `target`: where its calls go, as it
 * may be shown.
 */
export type OfferedTools = { tools: Tool[]; skipped: SkippedTool[]; notes: string[]; target: string }

/** Of one toolbox. A planner that is to choose among more chooses badly. */
const mostServices = 1000

/** Throws `invalid_request`: nothing or too much is offered, or the administrator named what is not there. */
export function checkOffer({ only = [], approvals }: ToolboxSpec, { tools, skipped }: OfferedTools): void {
  const known = new Set([...tools, ...skipped].map(({ operation }) => operation))
  const unknown = [...only, ...Object.keys(approvals)].filter((operation) => !known.has(operation))
  if (unknown.length > 0) {
    throw new AppError('invalid_request', `there is no operation ${unknown.join(', ')}; there are ${[...known].slice(0, 20).join(', ') || 'none'}`, {
      param: 'only'
    })
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
