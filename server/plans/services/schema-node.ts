import type { Json, SchemaNode } from '#contracts/plan.ts'
import { propertyNameProblem } from './property-name.ts'
import { followReference } from './schema-reference.ts'
import { type SchemaType, schemaType, soleVariant } from './schema-type.ts'
import { invalidField, isRecord, kindOf, numberWord, quote, type RawSchema, textWord, word } from './schema-words.ts'

/** What the reading of one schema shares. */
export type SchemaWalk = {
  /** Where `#/…` begins. */
  root: RawSchema
  /** Nodes read so far, those that references repeat included. */
  nodes: number
  /** What was passed over, in words. */
  warnings: Set<string>
}

export type SchemaPlace = {
  /** As a client would write the field: `schema.input.properties.name`. */
  at: string
  depth: number
  /** References that led here. */
  references: readonly string[]
}

const maxDepth = 64
const maxNodes = 2000
const maxWarnings = 100
const usedWords = new Set(['type', 'properties', 'required', 'items', 'description', 'enum', 'const', 'default', 'format', 'minimum', 'maximum'])
/** Words that say nothing about which values are right. */
const quietWords = new Set(['title', 'examples', 'example', 'deprecated', 'readonly', 'writeonly', 'nullable', 'definitions', 'additionalproperties'])

/** One node of JSON Schema → ours, with references followed. Throws `invalid_request` with the field. */
export function readSchemaNode(walk: SchemaWalk, value: unknown, place: SchemaPlace): SchemaNode {
  const { at, depth, references } = place
  if (!isRecord(value)) throw invalidField(at, `must be an object that describes a value, got ${kindOf(value)}`)
  if (depth > maxDepth) throw invalidField(at, `is nested more than ${maxDepth} levels deep; flatten the schema`)
  if (++walk.nodes > maxNodes)
    throw invalidField(at, `is one too many: a schema may describe ${maxNodes} values, those that references repeat included`)

  const followed = followReference(walk.root, value, at, references)
  if (followed !== undefined) return readSchemaNode(walk, followed.schema, { at, depth, references: [...references, followed.reference] })
  const type = schemaType(value, at)
  if (type === undefined) return readSchemaNode(walk, soleVariant(value, at), place)

  const node: SchemaNode = { type }
  const description = textWord(value, 'description', at)
  if (description !== undefined) node.description = description
  const format = textWord(value, 'format', at)
  if (format !== undefined) node.format = format
  const choices = readChoices(value, type, at)
  if (choices !== undefined) node.enum = choices
  const preset = word(value, 'default')
  if (preset !== undefined) node.default = preset as Json // All of a registration comes from JSON.
  readBounds(node, value, at)
  if (type === 'object') readProperties(walk, node, value, place)
  if (type === 'array') {
    const items = word(value, 'items')
    if (items === undefined) throw invalidField(`${at}.items`, 'is required: an array must say what it holds')
    node.items = readSchemaNode(walk, items, { at: `${at}.items`, depth: depth + 1, references })
  }
  for (const key of Object.keys(value)) {
    const known = usedWords.has(key.toLowerCase()) || quietWords.has(key.toLowerCase()) || key.startsWith('$')
    if (!known) warn(walk, `${at}: ${quote(key)} is not used`)
  }
  return node
}

/** `const` is a choice of one. Null among them only says that the value may be absent. */
function readChoices(value: RawSchema, type: SchemaType, at: string): Json[] | undefined {
  const constant = word(value, 'const')
  const given = word(value, 'enum') ?? (constant === undefined ? undefined : [constant])
  if (given === undefined) return undefined
  if (!Array.isArray(given)) throw invalidField(`${at}.enum`, `must be an array, got ${kindOf(given)}`)
  const choices = given.filter((choice) => choice !== null)
  if (choices.length === 0) throw invalidField(`${at}.enum`, 'must have at least one value')
  const wrong = choices.find((choice) => (type === 'integer' ? !Number.isInteger(choice) : kindOf(choice) !== type))
  if (wrong !== undefined) throw invalidField(`${at}.enum`, `must hold values of the type ${type}, got ${quote(wrong)}`)
  return choices
}

function readBounds(node: SchemaNode, value: RawSchema, at: string): void {
  const minimum = numberWord(value, 'minimum', at)
  const maximum = numberWord(value, 'maximum', at)
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    throw invalidField(`${at}.minimum`, `must not be over the maximum ${maximum}, got ${minimum}`)
  }
  if (minimum !== undefined) node.minimum = minimum
  if (maximum !== undefined) node.maximum = maximum
}

function readProperties(walk: SchemaWalk, node: SchemaNode, value: RawSchema, place: SchemaPlace): void {
  const { at, depth, references } = place
  const given = word(value, 'properties') ?? {}
  if (!isRecord(given)) throw invalidField(`${at}.properties`, `must be an object, got ${kindOf(given)}`)
  const entries = Object.entries(given)
  if (entries.length === 0) throw invalidField(`${at}.properties`, 'must name at least one property: an object must say what it holds')
  const properties: Record<string, SchemaNode> = {}
  for (const [name, property] of entries) {
    const problem = propertyNameProblem(name)
    if (problem !== undefined) throw invalidField(`${at}.properties`, `cannot have the name ${quote(name)}: it ${problem}`)
    properties[name] = readSchemaNode(walk, property, { at: `${at}.properties.${name}`, depth: depth + 1, references })
  }
  node.properties = properties
  const required = readRequired(walk, properties, value, at)
  if (required !== undefined) node.required = required
}

function readRequired(walk: SchemaWalk, properties: Record<string, SchemaNode>, value: RawSchema, at: string): string[] | undefined {
  const given = word(value, 'required')
  if (given === undefined) return undefined
  if (!Array.isArray(given) || !given.every((name) => typeof name === 'string')) {
    throw invalidField(`${at}.required`, 'must be an array of names of properties')
  }
  const names = [...new Set(given)]
  for (const name of names) {
    if (!Object.hasOwn(properties, name)) warn(walk, `${at}.required: there is no property ${quote(name)}`)
  }
  return names.filter((name) => Object.hasOwn(properties, name))
}

function warn(walk: SchemaWalk, warning: string): void {
  if (walk.warnings.size < maxWarnings) walk.warnings.add(warning)
  else walk.warnings.add('and more of the kind')
}
