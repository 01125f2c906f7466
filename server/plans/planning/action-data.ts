import type { ActionParameter, JsonObject } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'

/** The data of an action by name. Throws `invalid_request` for a value that is not JSON, and for two values of one name. */
export function toDataObject(data: readonly ActionParameter[]): JsonObject {
  // A map, because a field may be called `__proto__`.
  const object = new Map<string, JsonObject[string]>()
  for (const { field, value } of data) {
    const problem = findNonJson(value, field)
    if (problem !== undefined) throw new AppError('invalid_request', problem.message, { param: problem.path })
    if (object.has(field)) {
      throw new AppError('invalid_request', `data has two values for ${JSON.stringify(field)}: give each value a name of its own`, { param: 'data' })
    }
    object.set(field, value)
  }
  return Object.fromEntries(object)
}

/** Where a value is no JSON, and what it is. Undefined: all of it is. Values that came as JSON always are; those of programs need not be. */
export function findNonJson(value: unknown, path: string): { path: string; message: string } | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : refuse(path, String(value))
  if (Array.isArray(value)) return first(value.map((item, index) => [`${path}[${index}]`, item]))
  if (typeof value === 'object' && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)) {
    return first(Object.entries(value).map(([name, item]) => [`${path}.${name}`, item]))
  }
  return refuse(path, typeof value === 'object' ? (value.constructor?.name ?? 'an object') : `a ${typeof value}`)
}

function first(parts: [string, unknown][]): { path: string; message: string } | undefined {
  for (const [path, value] of parts) {
    const problem = findNonJson(value, path)
    if (problem !== undefined) return problem
  }
  return undefined
}

function refuse(path: string, what: string): { path: string; message: string } {
  return { path, message: `${path} must be a JSON value, got ${what}: give a string, number, boolean, null, array or object` }
}
