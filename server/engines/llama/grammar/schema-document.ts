import { formatSupport } from './formats.ts'
import { compilePattern, UnsupportedPattern } from './regular-expression.ts'
import { pointerTo, unsupported } from './unsupported.ts'

/** A schema of which only known, well-formed keywords are left. `pointer` is where it stood in the client's schema. */
export type CleanSchema = { readonly pointer: string; readonly keywords: Readonly<Keywords> }
export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object'
export type Keywords = {
  types?: JsonType[]
  /** `enum`, or `const` as the only value. */
  values?: unknown[]
  allOf?: Schema[]
  /** `anyOf` and `oneOf`: each inner list is one keyword's alternatives. */
  choices?: Schema[][]
  /** Canonical pointer of the target, for `document.targets`. */
  ref?: string
  properties?: Map<string, Schema>
  patternProperties?: Map<string, Schema>
  additionalProperties?: Schema
  propertyNames?: Schema
  /** `unevaluatedProperties: false`. */
  closed?: true
  required?: string[]
  prefixItems?: Schema[]
  items?: Schema
  patterns?: string[]
  formats?: string[]
} & { [bound in Bound]?: number }
export type Schema = boolean | CleanSchema

const bounds = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf'
] as const
export type Bound = (typeof bounds)[number]

export type SchemaDocument = {
  root: Schema
  /** What `$ref` points at. */
  targets: Map<string, Schema>
  /** The same schema for the validator: known keywords only, each `$ref` into `$defs`. */
  forCheck: Record<string, unknown>
  /** Name in the `$defs` of `forCheck` → pointer into the client's schema. */
  pointers: Map<string, string>
}

const types = new Set(['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'])
/** Held only by the check after generation; their subschemas, too. */
const checkedSchemas = ['not', 'if', 'then', 'else', 'contains', 'unevaluatedProperties', 'unevaluatedItems']
const checkedPlain = ['uniqueItems', 'minContains', 'maxContains', 'dependentRequired']
const refused: Record<string, string> = {
  $dynamicRef: 'dynamic references are not supported; use $ref with $defs',
  $recursiveRef: 'recursive references of draft 2019-09 are not supported; use $ref',
  dependencies: 'it was split in draft 2019-09; use dependentRequired or dependentSchemas',
  additionalItems: 'it was replaced in draft 2020-12; use prefixItems with items',
  extends: 'it is of draft 3; use allOf',
  disallow: 'it is of draft 3; use not',
  divisibleBy: 'it is of draft 3; use multipleOf'
}

const deepest = 64
const mostSchemas = 5000
const mostValues = 20_000
/** States of the automata of all its patterns. */
const mostStates = 10_000

/**
 * Reads a client's schema: draft 2020-12, plus `definitions`, an array as `items` and `nullable`, which older tools write. Throws
 * `unsupported_schema`. Keywords that no draft knows are annotations and have no effect, as the standard says; so are formats of no draft.
 */
export function readSchema(raw: Record<string, unknown>): SchemaDocument {
  const targets = new Map<string, Schema>()
  const definitions: Record<string, unknown> = {}
  const definitionNames = new Map<string, string>()
  const todo: string[] = []
  let count = 0
  let valueCount = 0
  let stateCount = 0

  function read(value: unknown, pointer: string, depth: number): { schema: Schema; check: Record<string, unknown> | boolean } {
    if (typeof value === 'boolean') return { schema: value, check: value }
    const keyword = pointer.split('/').at(-1) ?? ''
    if (!isObject(value)) throw unsupported(keyword, pointer, `a schema must be an object or a boolean, got ${kindOf(value)}`)
    if (depth > deepest) throw unsupported('', pointer, `schemas are nested more than ${deepest} deep`)
    if (++count > mostSchemas) throw unsupported('', pointer, `there are more than ${mostSchemas} schemas in it`)
    const keywords: Keywords = {}
    const check: Record<string, unknown> = {}
    const fail = (name: string, reason: string): never => {
      throw unsupported(name, pointerTo(pointer, name), reason)
    }
    const inner = (steps: (string | number)[], from: unknown) => read(from, pointerTo(pointer, ...steps), depth + 1)
    const one = (name: string, from: unknown): Schema => {
      const result = inner([name], from)
      check[name] = result.check
      return result.schema
    }
    const list = (name: string, from: unknown): Schema[] => {
      if (!Array.isArray(from) || from.length === 0) return fail(name, `it must be a list of at least one schema, got ${kindOf(from)}`)
      const results = from.map((item, index) => inner([name, index], item))
      check[name] = results.map((result) => result.check)
      return results.map((result) => result.schema)
    }
    const map = (name: string, from: unknown): Map<string, Schema> => {
      if (!isObject(from)) return fail(name, `it must be an object of schemas, got ${kindOf(from)}`)
      const results = Object.entries(from).map(([key, item]) => {
        if (key === '__proto__') fail(name, 'a property cannot be named __proto__')
        return [key, inner([name, key], item)] as const
      })
      check[name] = Object.fromEntries(results.map(([key, result]) => [key, result.check]))
      return new Map(results.map(([key, result]) => [key, result.schema]))
    }
    const strings = (name: string, from: unknown): string[] => {
      if (!Array.isArray(from) || !from.every((item) => typeof item === 'string')) return fail(name, 'it must be a list of strings')
      check[name] = [...new Set(from)]
      return [...new Set(from)]
    }
    const values = (name: string, from: unknown[]): unknown[] => {
      valueCount += from.length
      if (valueCount > mostValues) fail(name, `there are more than ${mostValues} values in the schema`)
      for (const item of from) if (depthOf(item) > deepest) fail(name, `a value is nested more than ${deepest} deep`)
      check[name] = name === 'const' ? from[0] : from
      return from
    }
    const pattern = (name: string, text: unknown): string => {
      if (typeof text !== 'string') return fail(name, `it must be a string, got ${kindOf(text)}`)
      try {
        stateCount += compilePattern(text).edges.length
      } catch (error) {
        if (!(error instanceof UnsupportedPattern)) throw error
        fail(name, `${JSON.stringify(text.slice(0, 200))} does not compile to a grammar: ${error.message}`)
      }
      if (stateCount > mostStates) fail(name, 'the patterns of the schema are too large together')
      return text
    }

    for (const [name, item] of Object.entries(value)) {
      const reason = Object.hasOwn(refused, name) ? refused[name] : undefined
      if (reason !== undefined) fail(name, reason)
      if ((bounds as readonly string[]).includes(name)) {
        const isCount = /Length|Items|Properties/.test(name)
        if (typeof item !== 'number' || !Number.isFinite(item) || (isCount && !(Number.isInteger(item) && item >= 0))) {
          fail(name, `it must be ${isCount ? 'a whole number from 0' : 'a number'}, got ${JSON.stringify(item)?.slice(0, 50)}`)
        }
        if (name === 'multipleOf' && Number(item) <= 0) fail(name, 'it must be greater than 0')
        // Checked just above to be a number.
        keywords[name as Bound] = item as number
        check[name] = item
        continue
      }
      switch (name) {
        case 'type': {
          const named = Array.isArray(item) ? item : [item]
          if (named.length === 0 || !named.every((type) => types.has(type as string))) {
            fail(name, `it must be one or more of ${[...types].join(', ')}, got ${JSON.stringify(item)?.slice(0, 100)}`)
          }
          // Checked just above.
          keywords.types = named as JsonType[]
          check[name] = [...new Set(named)]
          break
        }
        case 'enum':
          if (!Array.isArray(item) || item.length === 0) return fail(name, 'it must be a list of at least one value')
          keywords.values = meet(keywords.values, values(name, item))
          break
        case 'const':
          keywords.values = meet(keywords.values, values(name, [item]))
          break
        case 'allOf':
          keywords.allOf = list(name, item)
          break
        case 'anyOf':
        case 'oneOf':
          keywords.choices = [...(keywords.choices ?? []), list(name, item)]
          break
        case '$ref': {
          const target = resolve(item, pointer)
          keywords.ref = target
          check[name] = `#/$defs/${definitionNames.get(target)}`
          break
        }
        case 'properties':
          keywords.properties = map(name, item)
          break
        case 'patternProperties':
          keywords.patternProperties = map(name, item)
          for (const key of keywords.patternProperties.keys()) pattern(name, key)
          break
        case 'additionalProperties':
          keywords.additionalProperties = one(name, item)
          break
        case 'propertyNames':
          keywords.propertyNames = one(name, item)
          break
        case 'required':
          keywords.required = strings(name, item)
          break
        case 'prefixItems':
          keywords.prefixItems = list(name, item)
          break
        case 'items':
          if (!Array.isArray(item)) keywords.items = one(name, item)
          else if (item.length > 0) {
            const results = item.map((element, index) => inner([name, index], element))
            keywords.prefixItems = results.map((result) => result.schema)
            check.prefixItems = results.map((result) => result.check)
          }
          break
        case 'pattern':
          keywords.patterns = [pattern(name, item)]
          check[name] = item
          break
        case 'format': {
          if (typeof item !== 'string') return fail(name, 'it must be a string')
          const support = formatSupport(item)
          if (support === 'unsupported') fail(name, `the format ${JSON.stringify(item)} is not supported`)
          if (support === 'held') {
            keywords.formats = [item]
            check[name] = item
          }
          break
        }
        case 'dependentSchemas':
          map(name, item)
          break
        default:
          if (checkedSchemas.includes(name)) one(name, item)
          else if (checkedPlain.includes(name)) check[name] = item
          if (name === 'unevaluatedProperties' && item === false) keywords.closed = true
      }
    }
    if (value.nullable === true && keywords.types !== undefined) {
      keywords.types = [...keywords.types, 'null']
      check.type = [...new Set(keywords.types)]
    }
    return { schema: { pointer, keywords }, check }
  }

  function resolve(ref: unknown, pointer: string): string {
    const at = pointerTo(pointer, '$ref')
    if (typeof ref !== 'string') throw unsupported('$ref', at, 'it must be a string')
    if (ref !== '#' && !ref.startsWith('#/'))
      throw unsupported('$ref', at, `only references into the same schema (#/…) are followed, got ${ref.slice(0, 200)}`)
    if (!definitionNames.has(ref)) {
      definitionNames.set(ref, `d${definitionNames.size}`)
      todo.push(ref)
    }
    return ref
  }

  const root = read(raw, '#', 0)
  for (let ref = todo.pop(); ref !== undefined; ref = todo.pop()) {
    const result = ref === '#' ? root : read(follow(raw, ref), ref, 0)
    targets.set(ref, result.schema)
    definitions[definitionNames.get(ref) ?? ''] = result.check
  }
  // Ajv does not find `#` in a schema that it does not keep, so the root is a definition like the others.
  const forCheck = { $ref: '#/$defs/root', $defs: { ...definitions, root: root.check } }
  const pointers = new Map([...definitionNames].map(([pointer, name]) => [name, pointer]))
  return { root: root.schema, targets, forCheck, pointers }
}

function follow(raw: unknown, ref: string): unknown {
  let at = raw
  for (const step of ref.slice(2).split('/')) {
    let key = step
    try {
      key = decodeURIComponent(step)
    } catch {
      // Then the percent sign means itself.
    }
    key = key.replaceAll('~1', '/').replaceAll('~0', '~')
    at = (isObject(at) || Array.isArray(at)) && Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined
  }
  if (at === undefined) throw unsupported('$ref', ref, 'there is nothing at that place')
  return at
}

/** The values that stand in both lists. */
export function meet(one: unknown[] | undefined, two: unknown[]): unknown[] {
  if (one === undefined) return two
  const known = new Set(one.map(canonical))
  return two.filter((value) => known.has(canonical(value)))
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > deepest) return depth
  return Object.values(value).reduce((most: number, inner) => Math.max(most, depthOf(inner, depth + 1)), depth + 1)
}
