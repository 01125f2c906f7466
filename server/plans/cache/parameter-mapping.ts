import type { ActionParameter, Json, JsonObject } from '#contracts/plan.ts'
import { canonicalJson } from '../../canonical-json.ts'

/** A field of task0 that is a value of the data. `as`: the type the plan gave it, where it is another one than in the data. */
export type ParameterMapping = { field: string; parameter: string; text: string; as?: 'string' | 'number' | 'boolean' }

/**
 * Which fields of task0 are which values of the data, sorted by field. A field with the name of a value that it equals is that value. A value
 * that has no field of its own name was given another one: every field that equals it, unless another value equals it too. Equality alone never
 * makes two values one: where it leaves a choice, nothing is mapped.
 */
export function mapParameters(data: ActionParameter[], taskZero: JsonObject): ParameterMapping[] {
  const mappings: ParameterMapping[] = []
  for (const [field, value] of Object.entries(taskZero)) {
    const parameter = data.find((item) => item.field === field && isSame(item.value, value)) ?? renamed(field, value, data, taskZero)
    if (parameter !== undefined)
      mappings.push({ field, parameter: parameter.field, text: textOf(parameter.value), ...conversion(parameter.value, value) })
  }
  return mappings.sort((one, other) => (one.field < other.field ? -1 : 1))
}

/** Equal as people write it: 800 and "800" are the same. */
export function isSame(one: Json, other: Json): boolean {
  const composed = (value: Json) => typeof value === 'object' && value !== null
  if (composed(one) || composed(other)) return canonicalJson(one) === canonicalJson(other)
  return String(one) === String(other)
}

function renamed(field: string, value: Json, data: ActionParameter[], taskZero: JsonObject): ActionParameter | undefined {
  if (data.some((item) => item.field === field)) return undefined
  const equal = data.filter((item) => isSame(item.value, value))
  const [only] = equal
  if (only === undefined || equal.length > 1) return undefined
  const own = Object.hasOwn(taskZero, only.field) ? taskZero[only.field] : undefined
  return own !== undefined && isSame(own, only.value) ? undefined : only
}

function conversion(from: Json, to: Json): Pick<ParameterMapping, 'as'> {
  if (typeof from === typeof to) return {}
  switch (typeof to) {
    case 'string':
      return { as: 'string' }
    case 'number':
      return { as: 'number' }
    case 'boolean':
      return { as: 'boolean' }
    default:
      return {}
  }
}

/** A value as people write it: strings bare, everything else as canonical JSON. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}
