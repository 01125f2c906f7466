import { createHash } from 'node:crypto'
import type { ActionParameter, Json } from '#contracts/plan.ts'
import { canonicalJson } from '../../canonical-json.ts'
import { findPlaceholders, type Placeholder } from './placeholders.ts'
import { hole, wordsOf } from './words.ts'

/** An action without its values: what the plan for it depends on. */
export type Shape = {
  action: string
  /** Values in the action's own words, in order. */
  placeholders: Placeholder[]
  /** Its words; a value is `{kind}`. */
  words: string[]
  /** Names and types of the data, in order. */
  fields: { name: string; type: string }[]
  /** Equal for actions that differ in values, articles, courtesy and spelling only. */
  key: string
  /** What is embedded. */
  text: string
}

export function toShape(action: string, data: ActionParameter[], isKnownWord: (word: string) => boolean): Shape {
  const placeholders = findPlaceholders(action, data, isKnownWord)
  const bare = inPlaceOf(placeholders, action.replaceAll(hole, ' '), () => ` ${hole} `)
  let next = 0
  const words = wordsOf(bare).map((item) => (item === hole ? `{${placeholders[next++]?.kind}}` : item))
  const fields = data.map(({ field, value }) => ({ name: field, type: typeOf(value) }))
  return {
    action,
    placeholders,
    words,
    fields,
    key: createHash('sha256')
      .update(canonicalJson([words, fields.toSorted((one, other) => (one.name < other.name ? -1 : 1))]))
      .digest('hex'),
    text: `${inPlaceOf(placeholders, action, (index) => `{${index + 1}}`)}:::${fieldSignature(data)}`
  }
}

/** Names of the data in the order they came; no values. */
export function fieldSignature(data: ActionParameter[]): string {
  return data.map(({ field }) => field).join('::')
}

/** Values of an array and of an object count as one: a plan refers to them as a whole. */
function typeOf(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function inPlaceOf(placeholders: Placeholder[], text: string, write: (index: number) => string): string {
  let result = ''
  let at = 0
  for (const [index, { start, end }] of placeholders.entries()) {
    result += text.slice(at, start) + write(index)
    at = end
  }
  return result + text.slice(at)
}
