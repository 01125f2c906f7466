import { AppError } from '../../errors.ts'
import { atPointer, isObject } from './json-pointer.ts'

/** A part of a JSON schema, with the references that led to it: one that comes again goes round in circles. */
export type Part = { schema: unknown; references: readonly string[] }

/** What a part says once its references and `allOf` are put together. `words`: everything else, as it stands there. */
export type FlatSchema = {
  words: Record<string, unknown>
  properties: Map<string, Part>
  required: Set<string>
  items: Part | undefined
  /** Of `anyOf` or `oneOf`. */
  alternatives: Part[]
}

const structural = new Set(['$ref', 'allOf', 'anyOf', 'oneOf', 'properties', 'required', 'items'])

/**
 * Puts one level of a schema together. Throws `unsupported_schema`: a reference out of the document, to nothing or in a circle, or nothing
 * that is a schema. `count` is called for each piece that is looked at, and may throw, which bounds schemas that refer to much again and again.
 */
export function flatten(part: Part, root: unknown, count: () => void): FlatSchema {
  count()
  const flat: FlatSchema = { words: {}, properties: new Map(), required: new Set(), items: undefined, alternatives: [] }
  const { schema, references } = part
  if (schema === true) return flat
  if (!isObject(schema)) throw new AppError('unsupported_schema', `a schema must be an object, got ${JSON.stringify(schema) ?? 'nothing'}`)
  const { $ref: reference } = schema
  if (typeof reference === 'string') join(flat, flatten(follow(reference, references, root), root, count))
  if (Array.isArray(schema['allOf'])) {
    for (const piece of schema['allOf']) join(flat, flatten({ schema: piece, references }, root, count))
  }
  join(flat, ownOf(schema, references))
  return flat
}

/** The part at the end of a reference. */
function follow(reference: string, references: readonly string[], root: unknown): Part {
  if (references.includes(reference)) throw new AppError('unsupported_schema', `${reference} contains itself, and recursion cannot be planned with`)
  if (!reference.startsWith('#')) {
    throw new AppError('unsupported_schema', `${reference} is in another document: put everything into one file`)
  }
  const schema = atPointer(root, reference)
  if (schema === undefined) throw new AppError('unsupported_schema', `${reference} refers to nothing`)
  return { schema, references: [...references, reference] }
}

function ownOf(schema: Record<string, unknown>, references: readonly string[]): FlatSchema {
  const { properties, required, items, anyOf, oneOf } = schema
  const alternatives = [anyOf, oneOf].find(Array.isArray) ?? []
  return {
    words: Object.fromEntries(Object.entries(schema).filter(([word]) => !structural.has(word))),
    properties: new Map(isObject(properties) ? Object.entries(properties).map(([name, value]) => [name, { schema: value, references }]) : []),
    required: new Set(Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []),
    items: items === undefined ? undefined : { schema: items, references },
    alternatives: alternatives.map((value) => ({ schema: value, references }))
  }
}

/** Adds to `flat` what another says. What both say, the other says better: it stands nearer to where it is used. */
export function join(flat: FlatSchema, other: FlatSchema): void {
  Object.assign(flat.words, other.words)
  for (const [name, part] of other.properties) flat.properties.set(name, part)
  for (const name of other.required) flat.required.add(name)
  flat.items = other.items ?? flat.items
  if (other.alternatives.length > 0) flat.alternatives = other.alternatives
}
