import type { ActionParameter, Json, JsonObject } from '#contracts/plan.ts'
import { isSame } from './parameter-mapping.ts'
import { standsIn, toNumber } from './placeholders.ts'
import type { Condition, FieldSource, Hole } from './provenance.ts'
import type { Shape } from './shape.ts'

/** Why a kept plan cannot take these values. `parameter`: the value of the data it lacks. */
export type Misfit = { ok: false; reason: string; parameter?: string }

/** task0 of a kept plan with the values of another action in their places. Everything that is no value of the action stays as it is. */
export function fillTaskZero(
  taskZero: JsonObject,
  sources: Record<string, FieldSource>,
  values: { data: ActionParameter[]; texts: string[] }
): { ok: true; taskZero: JsonObject } | Misfit {
  const filled: [string, Json][] = []
  for (const [field, kept] of Object.entries(taskZero)) {
    const source = Object.hasOwn(sources, field) ? sources[field] : undefined
    const result = source === undefined ? { ok: true as const, value: kept } : fillField(field, kept, source, values)
    if (!result.ok) return result
    filled.push([field, result.value])
  }
  return { ok: true, taskZero: Object.fromEntries(filled) }
}

/** The first condition that does not hold, in words. */
export function findBroken(conditions: Condition[], shape: Shape, texts: string[], data: ActionParameter[]): string | undefined {
  const given = (name: string) => data.find(({ field }) => field === name)?.value
  for (const condition of conditions) {
    switch (condition.type) {
      case 'placeholder': {
        const text = texts[condition.index]
        const follows = condition.fields.some((field) => text !== undefined && isEqualTo(text, given(field)))
        if (text !== condition.text && !follows)
          return `what “${condition.text}” in its action led to cannot be told apart in the plan, and here it is “${text}”`
        break
      }
      case 'parameter': {
        const value = given(condition.name)
        if (value === undefined || !isSame(value, condition.value))
          return `it has a constant that may be a copy of “${condition.name}”, which is another one here`
        break
      }
      case 'words':
        if (standsIn(shape.action.toLowerCase(), condition.text.toLowerCase()).length === 0)
          return `it uses the words “${condition.text}”, which are not in this action`
    }
  }
  return undefined
}

function isEqualTo(text: string, value: Json | undefined): boolean {
  return value === text || (typeof value === 'number' && toNumber(text) === value)
}

type Filled = { ok: true; value: Json } | Misfit

function fillField(field: string, kept: Json, source: FieldSource, { data, texts }: { data: ActionParameter[]; texts: string[] }): Filled {
  if (source.from === 'plan') return fillHoles(field, kept, source.holes, texts)
  const parameter = data.find((item) => item.field === source.parameter)
  if (parameter === undefined)
    return { ok: false, reason: `the data has no “${source.parameter}”, which the plan needs`, parameter: source.parameter }
  return convert(parameter, source.as)
}

function convert({ field, value }: ActionParameter, as: 'string' | 'number' | 'boolean' | undefined): Filled {
  if (as === undefined) return { ok: true, value }
  const text = String(value)
  if (as === 'string') return { ok: true, value: text }
  if (as === 'boolean' && (text === 'true' || text === 'false')) return { ok: true, value: text === 'true' }
  if (as === 'number' && Number.isFinite(toNumber(text))) return { ok: true, value: toNumber(text) }
  return { ok: false, reason: `“${field}” must be a ${as} for the plan, and is “${text}”` }
}

function fillHoles(field: string, kept: Json, holes: Hole[], texts: string[]): Filled {
  const value = structuredClone(kept)
  const root = { value }
  for (const { path, as, parts } of holes) {
    const pieces: string[] = []
    for (const part of parts) {
      const piece = typeof part === 'string' ? part : oneOf(part, texts)
      if (piece === undefined) return { ok: false, reason: `“${field}” may come from several values of the action, which are equal no longer` }
      pieces.push(piece)
    }
    const text = pieces.join('')
    const number = toNumber(text)
    if (as === 'number' && !Number.isFinite(number)) return { ok: false, reason: `“${field}” must be a number for the plan, and is “${text}”` }
    put(root, ['value', ...path], as === 'number' ? number : text)
  }
  return { ok: true, value: root.value }
}

/** The value at these places; undefined where they differ. */
function oneOf(indexes: number[], texts: string[]): string | undefined {
  const found = new Set(indexes.map((index) => texts[index]))
  return found.size === 1 ? [...found][0] : undefined
}

function put(root: object, path: (string | number)[], value: Json): void {
  let at = root as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown> // The paths were read off this very value.
  Object.defineProperty(at, path.at(-1) ?? '', { value, enumerable: true, writable: true, configurable: true })
}
