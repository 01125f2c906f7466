import type { Json, SchemaNode } from '#contracts/plan.ts'
import { wordsOf } from './names.ts'

const forms: { name: string; words: string[]; is: RegExp }[] = [
  { name: 'email', words: ['email', 'mail'], is: /^[^\s@]+@[^\s@]+$/ },
  { name: 'date', words: ['date', 'day'], is: /^\d{4}-\d{2}-\d{2}$/ },
  { name: 'date-time', words: ['time', 'timestamp'], is: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/ },
  { name: 'uri', words: ['url', 'uri', 'link'], is: /^[a-z][a-z0-9+.-]*:\/\//i }
]

/** Whether a text has the form that an input asks for by its format, name or description: `same`; `other`: one of the two has a form and the other has not. */
export function formatFit(value: Json, input: string, schema: SchemaNode): 'same' | 'other' | 'unknown' {
  if (typeof value !== 'string' || schema.type !== 'string') return 'unknown'
  const given = forms.find(({ is }) => is.test(value))
  const about = [...wordsOf(input), ...wordsOf(schema.description ?? '')]
  const wanted = forms.find(({ name, words }) => (schema.format === undefined ? words.some((word) => about.includes(word)) : schema.format === name))
  if (given === undefined && wanted === undefined) return 'unknown'
  if (given === wanted) return 'same'
  return given === undefined && schema.format === undefined ? 'unknown' : 'other'
}

/** Whether a text is of a format, as far as we know that format. */
export function hasFormat(text: string, format: string): boolean {
  return forms.find(({ name }) => name === format)?.is.test(text) ?? true
}
