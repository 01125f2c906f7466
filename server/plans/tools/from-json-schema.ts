import { type Json, Json as JsonSchema, type SchemaNode } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import { type FlatSchema, flatten, join, type Part } from './flat-schema.ts'
import { excerptOf } from './tool.ts'

/** Schemas of one tool may have so many pieces, after references; the planner shows them to a model. */
const mostPieces = 2000
const deepest = 24
const longestDescription = 1000

export type SchemaReading = {
  /** Where its references lead. */
  root: unknown
  /** An input may be narrowed to what can be said, an output may only lose fields nobody can refer to then. */
  use: 'input' | 'output'
  /** Where it stands, for messages: `query.filter`. */
  place: string
  /** What was left out or narrowed is said here. */
  notes: string[]
}

/**
 * A JSON schema (also as OpenAPI 3 uses it) in the form services describe themselves with. References and `allOf` are put together, `null` is
 * left away. What cannot be said (several types, recursion, no type at all) is left out with a note where it may be left out. Otherwise it
 * throws `unsupported_schema`, naming the place.
 */
export function fromJsonSchema(schema: unknown, reading: SchemaReading): SchemaNode {
  let pieces = 0
  const count = () => {
    if (++pieces > mostPieces) throw new TooLarge()
  }
  try {
    return toNode({ schema, references: [] }, reading.place, 0, { ...reading, count })
  } catch (error) {
    if (error instanceof TooLarge) throw new AppError('unsupported_schema', `${reading.place} has more than ${mostPieces} pieces`)
    throw error
  }
}

/** Not to be taken for one field that cannot be said. */
class TooLarge extends Error {}

type Context = SchemaReading & { count: () => void }

function toNode(part: Part, place: string, depth: number, context: Context): SchemaNode {
  if (depth > deepest) throw unsupported(place, `it is nested more than ${deepest} levels deep`)
  const flat = flattenAt(part, place, context)
  chooseAlternative(flat, place, context)
  const type = typeOf(flat, place, context)
  const node: SchemaNode = { type, ...wordsOf(flat.words, type) }
  if (type === 'array' && flat.items !== undefined) node.items = toNode(flat.items, `${place}[]`, depth + 1, context)
  if (type === 'object') Object.assign(node, fieldsOf(flat, place, depth, context))
  return node
}

function flattenAt(part: Part, place: string, { root, count }: Context): FlatSchema {
  try {
    return flatten(part, root, count)
  } catch (error) {
    throw error instanceof AppError ? unsupported(place, error.message) : error
  }
}

function fieldsOf(flat: FlatSchema, place: string, depth: number, context: Context): Pick<SchemaNode, 'properties' | 'required'> {
  const { use, notes } = context
  const fields: [string, SchemaNode][] = []
  for (const [name, part] of flat.properties) {
    const where = `${place}.${name}`
    try {
      if (name === '__proto__' || name === '' || name.length > 256) throw unsupported(where, 'its name cannot be used')
      if (isHidden(flattenAt(part, where, context).words, use)) continue
      fields.push([name, toNode(part, where, depth + 1, context)])
    } catch (error) {
      if (!(error instanceof AppError) || (use === 'input' && flat.required.has(name))) throw error
      notes.push(`${error.message}; it is left out`)
    }
  }
  const known = new Set(fields.map(([name]) => name))
  return { properties: Object.fromEntries(fields), required: [...flat.required].filter((name) => known.has(name)) }
}

/** What only the other side may set. */
function isHidden(words: Record<string, unknown>, use: SchemaReading['use']): boolean {
  return words[use === 'input' ? 'readOnly' : 'writeOnly'] === true
}

/** `anyOf` and `oneOf`: takes the one alternative that is left without `null`, or, of an input, the first, which is enough to call it. */
function chooseAlternative(flat: FlatSchema, place: string, context: Context): void {
  const alternatives = flat.alternatives.map((part) => flattenAt(part, place, context)).filter((alternative) => !isNull(alternative))
  const [first] = alternatives
  if (first === undefined) return
  // Only rules about fields that are known already: whoever carries it out checks them.
  if (flat.properties.size > 0 && alternatives.every(({ properties }) => properties.size === 0)) return
  if (alternatives.length > 1 && !joinScalars(alternatives, first)) {
    if (context.use === 'output') throw unsupported(place, `it has one of ${alternatives.length} forms`)
    context.notes.push(`${place} may have one of ${alternatives.length} forms; the first is offered`)
  }
  flat.alternatives = []
  join(flat, first)
  if (first.alternatives.length > 0) chooseAlternative(flat, place, context)
}

/** Alternatives of one simple type are that type, with the values of all of them. */
function joinScalars(alternatives: FlatSchema[], first: FlatSchema): boolean {
  const { type } = first.words
  if (typeof type !== 'string' || type === 'object' || type === 'array' || alternatives.some(({ words }) => words['type'] !== type)) return false
  const values = alternatives.map(valuesOf)
  first.words = { type }
  if (values.every((some) => some !== undefined)) first.words['enum'] = values.flat()
  return true
}

function typeOf(flat: FlatSchema, place: string, { use, notes }: Context): SchemaNode['type'] {
  const said = [flat.words['type']].flat().filter((type) => type !== undefined && type !== 'null')
  const types = said.length > 0 ? said : guessTypes(flat)
  const [type, ...others] = types.includes('number') ? types.filter((one) => one !== 'integer') : types
  if (!isType(type)) throw unsupported(place, type === undefined ? 'it does not say its type' : `its type ${JSON.stringify(type)} is not known`)
  if (others.length === 0) return type
  if (use === 'output') throw unsupported(place, `it has one of several types (${types.join(', ')})`)
  notes.push(`${place} may have one of several types (${types.join(', ')}); ${type} is offered`)
  return type
}

/** Of a schema that does not say its type, but cannot mean another. */
function guessTypes(flat: FlatSchema): unknown[] {
  if (flat.properties.size > 0 || flat.words['additionalProperties'] !== undefined) return ['object']
  if (flat.items !== undefined) return ['array']
  const types = (valuesOf(flat) ?? []).map((value) => (Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value))
  return [...new Set(types)]
}

function wordsOf(words: Record<string, unknown>, type: SchemaNode['type']): Omit<SchemaNode, 'type'> {
  const { description, title, format, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = words
  const about = [description, title].find((text): text is string => typeof text === 'string' && text.trim() !== '')
  const values = valuesOf({ words })
  const fallback = JsonSchema.safeParse(words['default'])
  const least = bound(minimum, exclusiveMinimum, type === 'integer' ? 1 : 0)
  const most = bound(maximum, exclusiveMaximum, type === 'integer' ? -1 : 0)
  return {
    ...(about === undefined ? {} : { description: excerptOf(about, longestDescription) }),
    ...(values === undefined ? {} : { enum: values }),
    ...(words['default'] == null || !fallback.success ? {} : { default: fallback.data }),
    ...(typeof format === 'string' ? { format } : {}),
    ...(least === undefined ? {} : { minimum: least }),
    ...(most === undefined ? {} : { maximum: most })
  }
}

/** An exclusive bound is a number of its own, or, in OpenAPI 3.0, a flag beside the other. */
function bound(inclusive: unknown, exclusive: unknown, step: number): number | undefined {
  if (typeof exclusive === 'number') return exclusive + step
  if (typeof inclusive !== 'number') return undefined
  return exclusive === true ? inclusive + step : inclusive
}

function valuesOf({ words }: Pick<FlatSchema, 'words'>): Json[] | undefined {
  const values = words['const'] === undefined ? words['enum'] : [words['const']]
  const parsed = JsonSchema.array().safeParse(values)
  const some = parsed.success ? parsed.data.filter((value) => value !== null) : []
  return some.length > 0 ? some : undefined
}

function isNull({ words }: FlatSchema): boolean {
  const values = words['enum']
  return words['type'] === 'null' || words['const'] === null || (Array.isArray(values) && values.length === 1 && values[0] === null)
}

function isType(type: unknown): type is SchemaNode['type'] {
  return typeof type === 'string' && ['object', 'array', 'string', 'number', 'integer', 'boolean'].includes(type)
}

function unsupported(place: string, reason: string): AppError {
  return new AppError('unsupported_schema', reason.startsWith(`${place}: `) ? reason : `${place}: ${reason}`)
}
