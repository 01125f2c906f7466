import type { SchemaNode } from '#contracts/plan.ts'

/** The words of a name or a sentence: `orderId`, `order_id` and `Order ids` are all `order`, `id`. */
export function wordsOf(text: string): readonly string[] {
  const known = kept.get(text)
  if (known !== undefined) return known
  const words = text
    .replaceAll(/\be-mail/gi, 'email')
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map(stem)
  if (text.length > longestKept) return words
  if (kept.size >= mostKept) kept.clear()
  kept.set(text, words)
  return words
}

/** The same few names are compared with each other again and again. */
const kept = new Map<string, readonly string[]>()
const mostKept = 10_000
const longestKept = 300

/** What is to be filled, or what fills it: how it is called and described, and what has it (`Order Service`). */
export type Named = { name: string; schema?: SchemaNode | undefined; owner?: string | undefined }

/**
 * How well a field of some output or of the data fits an input by what they are called, 0–1. 1: the same name. Owners count, because the `id` of an order is what others
 * call `orderId`; descriptions count less.
 */
export function nameFit(input: Named, field: Named): number {
  const wanted = wordsOf(input.name)
  const given = wordsOf(field.name)
  if (wanted.join(' ') === given.join(' ')) return 1
  const owner = new Set(wordsOf(field.owner ?? ''))
  const isGeneric = given.every((word) => generic.has(word))
  const covered = wanted.filter((word) => given.includes(word) || (isGeneric && owner.has(word)))
  if (wanted.length > 1 && covered.length === wanted.length) return 0.9
  const wantedWords = wanted.filter((word) => !generic.has(word))
  const givenWords = given.filter((word) => !generic.has(word))
  const shared = wantedWords.filter((word) => covered.includes(word)).length
  // The name of an employee is not the employee's id.
  const isOtherKind = identifying.has(wanted.at(-1) ?? '') && given.at(-1) === 'name'
  if (shared > 0) return ((isOtherKind ? 0.4 : 0.85) * 2 * shared) / (wantedWords.length + Math.max(givenWords.length, shared))
  const described = new Set(wordsOf(input.schema?.description ?? '').filter((word) => !generic.has(word)))
  const hits = givenWords.filter((word) => described.has(word)).length
  const describedGiven = wordsOf(field.schema?.description ?? '').filter((word) => described.has(word) && word.length > 3).length
  return hits > 0 ? 0.3 + (0.3 * hits) / givenWords.length : describedGiven > 0 ? 0.3 : 0
}

/** Whether an input names one thing among others, so that its value cannot be made up. */
export function isIdentifier(name: string, schema: SchemaNode): boolean {
  if (schema.type !== 'string' && schema.type !== 'integer' && schema.type !== 'number') return false
  if (schema.format === 'email' || schema.format === 'uuid') return true
  const last = wordsOf(name).at(-1) ?? ''
  if (schema.type !== 'string') return last === 'id'
  return identifying.has(last) || /^(?:an? )?e-?mail address/i.test(schema.description ?? '')
}

const identifying = new Set(['id', 'uuid', 'guid', 'sku', 'email', 'key', 'token', 'iban', 'reference', 'ref', 'number', 'no'])
/** Words that say nothing of which thing is meant. */
const generic = new Set([
  'id',
  'uuid',
  'guid',
  'key',
  'name',
  'value',
  'data',
  'result',
  'output',
  'input',
  'number',
  'code',
  'ref',
  'reference',
  'the',
  'a',
  'of'
])

/** Enough of a stem for names: plurals and the endings of verbs in descriptions. */
function stem(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.length > 4 && /(?:ss|x|ch|sh)es$/.test(word)) return word.slice(0, -2)
  if (word.length > 3 && word.endsWith('s') && !word.endsWith('ss') && !word.endsWith('us')) return word.slice(0, -1)
  return word
}
