import type { Json, JsonObject } from '#contracts/plan.ts'
import { parseReference } from '../protocol/reference.ts'

/**
 * What a task is given, for people to read: references to the action's data are replaced by what they stand for, wherever they are nested.
 * Others are shown as they are, and so is one that leads nowhere: a view of a plan must not fail for what is wrong with the plan.
 */
export function shownInput(input: JsonObject, taskZero: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, shown(value, taskZero)]))
}

function shown(value: Json, taskZero: JsonObject): Json {
  if (Array.isArray(value)) return value.map((item) => shown(item, taskZero))
  if (typeof value === 'object' && value !== null) return shownInput(value, taskZero)
  const reference = parseReference(value)
  if (reference?.task.toLowerCase() !== 'task0' || !Object.hasOwn(taskZero, reference.field)) return value
  return taskZero[reference.field] ?? null
}
