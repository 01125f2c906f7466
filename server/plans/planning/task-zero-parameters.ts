import type { ActionParameter, JsonObject } from '#contracts/plan.ts'
import { isTaskZero } from '../protocol/reference.ts'
import type { Finding } from './finding.ts'
import type { DraftTask, PlanDraft } from './plan-draft.ts'

type MissingParameter = Extract<Finding, { kind: 'missing_parameter' }>

/** Action data that task0 does not have under a name of its own, in the order of the request. Values are not compared. `task0_absent`: there is no task0. */
export function findMissingParameters(draft: PlanDraft, data: readonly Pick<ActionParameter, 'field'>[]): MissingParameter[] | 'task0_absent' {
  const taskZero = draft.tasks.find(({ id }) => isTaskZero(id))
  if (taskZero === undefined) return 'task0_absent'
  const services = servicesOf(draft.tasks)
  return data
    .filter(({ field }) => !Object.hasOwn(taskZero.input, field))
    .map(({ field }) => ({ kind: 'missing_parameter', parameter: field, embeddedIn: fieldsThatEmbed(taskZero.input, field), services }))
}

function servicesOf(tasks: readonly DraftTask[]): string[] {
  return [...new Set(tasks.flatMap(({ service }) => service ?? []))]
}

function fieldsThatEmbed(input: JsonObject, parameter: string): string[] {
  return Object.entries(input).flatMap(([field, value]) => (typeof value === 'string' && seemsToHold(value, parameter) ? [field] : []))
}

/** Whether a text reads as if the parameter had been written into it: `budget: 800`, `budget=800`, `budget is 800`, `with budget 800`. */
function seemsToHold(text: string, parameter: string): boolean {
  const name = parameter.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const begin = '(?<![\\p{L}\\p{N}_])'
  return [
    `${begin}${name}\\s*[:=]\\s*\\S`,
    `${begin}${name}\\s+(?:is|was|should be)\\s+\\S`,
    `\\b(?:with|has)\\s+${name}(?![\\p{L}\\p{N}_])`,
    `\\s${name}\\s+[\\p{L}\\p{N}_]`
  ].some((pattern) => new RegExp(pattern, 'u').test(text))
}
