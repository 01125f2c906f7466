import { type Automaton, accepts, complement, intersect, isEmpty, TooManyStates, withLength, wordAutomaton } from './automaton.ts'
import { formatAutomaton } from './formats.ts'
import { createRuleSet, literal, type RuleSet, repeat } from './gbnf.ts'
import { numberLiteral, numberRule } from './number-rules.ts'
import { compilePattern } from './regular-expression.ts'
import type { JsonType, SchemaDocument } from './schema-document.ts'
import { type All, largest, pointerOf, type Shape, shapesOf, smallest, typesOf, valuesOf } from './schema-shape.ts'
import { anyCharacter, automatonString } from './string-rules.ts'
import { unsupported } from './unsupported.ts'

/** At most one space, so that no model fills its answer with white space. */
const space = '" "?'
const comma = `"," ${space}`

/**
 * The rules of a document under `rootName`, one a line. Throws `unsupported_schema` when no value, or none that ends, fits.
 * What it accepts satisfies every keyword but those left to the check; it need not accept all that a schema allows: properties come in
 * declared order, `additionalProperties` must be spelled out where properties are declared, numbers have up to 15 digits, and white space is scarce.
 */
export function writeRules(document: SchemaDocument, rootName: string): string {
  const rules = createRuleSet(rootName, (reason) => {
    throw unsupported('', '#', reason)
  })
  const compiler = createCompiler(document, rules)
  const root = compiler.valueRule([document.root])
  if (root === null) throw unsupported('', '#', 'no value satisfies it')
  compiler.refuseEndless()
  rules.define(rootName, root)
  return rules.print()
}

/** What a value of a rule must contain: it ends if, for one of the alternatives, all of these end. */
type Needs = { pointer: string; alternatives: string[][] }

function createCompiler(document: SchemaDocument, rules: RuleSet) {
  const byKey = new Map<string, { name: string; used: boolean; empty: boolean }>()
  const needs = new Map<string, Needs>()
  let stateCount = 0
  const compiledPatterns = new Map<string, Automaton>()
  const character = anyCharacter(rules)
  const anyString = rules.add(`"\\"" ${character}* "\\""`)

  /** Name of the rule for the values that satisfy all of these schemas, or null when there are none. */
  function valueRule(all: All): string | null {
    const shapes = shapesOf(document, all)
    const names = shapes.flatMap(({ key, shape }) => shapeRule(key, shape) ?? [])
    const only = names[0]
    if (only === undefined) return null
    if (names.length === 1) return only
    const name = rules.add([...new Set(names)].join(' | '))
    needs.set(name, { pointer: pointerOf(all), alternatives: names.map((one) => [one]) })
    return name
  }

  function shapeRule(key: string, shape: Shape): string | null {
    const known = byKey.get(key)
    if (known !== undefined) {
      known.used = true
      return known.empty ? null : known.name
    }
    const entry = { name: rules.reserve(), used: false, empty: false }
    byKey.set(key, entry)
    const alternatives: { body: string; needs: string[] }[] = []
    const values = valuesOf(shape)
    const types = typesOf(shape)
    if (values !== undefined) {
      const fixed = valuesBody(values.filter((value) => isOfType(value, types)))
      if (fixed !== null) alternatives.push({ body: fixed, needs: [] })
    } else for (const type of types) alternatives.push(...typeBody(type, shape))
    if (alternatives.length === 0) {
      if (entry.used) throw unsupported('$ref', shape.pointer, 'no value satisfies the schema that refers to itself')
      entry.empty = true
      return null
    }
    rules.define(entry.name, alternatives.map(({ body }) => body).join(' | '))
    needs.set(entry.name, { pointer: shape.pointer, alternatives: alternatives.map((alternative) => alternative.needs) })
    return entry.name
  }

  function typeBody(type: JsonType, shape: Shape): { body: string; needs: string[] }[] {
    const scalar = (body: string | null) => (body === null ? [] : [{ body, needs: [] }])
    if (type === 'null') return scalar('"null"')
    if (type === 'boolean') return scalar('"true" | "false"')
    if (type === 'string') return scalar(stringRule(shape))
    if (type === 'array') return arrayBody(shape)
    if (type === 'object') return objectBody(shape)
    const bound = (one: 'minimum' | 'exclusiveMinimum' | 'maximum' | 'exclusiveMaximum') => shape.parts.flatMap((part) => part[one] ?? [])
    const least = Math.max(...bound('minimum'), ...bound('exclusiveMinimum'))
    const most = Math.min(...bound('maximum'), ...bound('exclusiveMaximum'))
    return scalar(
      numberRule(rules, {
        integer: type === 'integer',
        least,
        most,
        aboveLeast: bound('exclusiveMinimum').includes(least),
        belowMost: bound('exclusiveMaximum').includes(most),
        multipleOf: shape.parts.flatMap((part) => part.multipleOf ?? [])
      })
    )
  }

  function valuesBody(values: unknown[]): string | null {
    const words = values.filter((value) => typeof value === 'string')
    const others = values.filter((value) => typeof value !== 'string')
    const literals = [...new Set(others.map((value) => (typeof value === 'number' ? numberLiteral(value) : literal(JSON.stringify(value)))))]
    if (words.length > 0) literals.push(automatonString(rules, wordAutomaton(words)))
    return literals.length === 0 ? null : literals.join(' | ')
  }

  function stringRule(shape: Shape): string | null {
    const least = largest(shape, 'minLength')
    const most = smallest(shape, 'maxLength')
    if (least > most) return null
    const languages = [
      ...shape.parts.flatMap((part) => part.patterns ?? []).map(patternOf),
      ...shape.parts.flatMap((part) => part.formats ?? []).map(formatAutomaton)
    ]
    const first = languages[0]
    if (first === undefined) {
      if (least === 0 && most === Number.POSITIVE_INFINITY) return anyString
      if (least > longestMinimum) throw unsupported('minLength', shape.pointer, `it is over ${longestMinimum}`)
      return rules.add(`"\\"" ${repeat(rules, character, least, most)} "\\""`)
    }
    let language = first
    for (const narrow of [
      ...languages.slice(1).map((other) => (of: Automaton) => intersect(of, other)),
      (of: Automaton) => withLength(of, least, most)
    ]) {
      try {
        language = narrow(language)
      } catch (error) {
        // Then the check after generation alone holds this one.
        if (!(error instanceof TooManyStates)) throw error
      }
    }
    return isEmpty(language) ? null : writeLanguage(shape, language)
  }

  /** The strings of an automaton. All together are bounded, because each costs time to make, not only room. */
  function writeLanguage(shape: Shape, language: Automaton): string {
    stateCount += language.edges.length
    if (stateCount > mostStates) throw unsupported('pattern', shape.pointer, 'the patterns of the schema are too large together')
    return automatonString(rules, language)
  }

  function arrayBody(shape: Shape): { body: string; needs: string[] }[] {
    const least = largest(shape, 'minItems')
    let most = smallest(shape, 'maxItems')
    if (least > longestMinimum) throw unsupported('minItems', shape.pointer, `it is over ${longestMinimum}`)
    const prefixLength = Math.max(0, ...shape.parts.map((part) => part.prefixItems?.length ?? 0))
    const open = prefixLength === 0 || shape.parts.some((part) => part.items !== undefined)
    if (!open && least <= prefixLength) most = Math.min(most, prefixLength)
    const prefix: string[] = []
    for (let index = 0; index < Math.min(prefixLength, most); index++) {
      const rule = valueRule(shape.parts.flatMap((part) => part.prefixItems?.[index] ?? part.items ?? []))
      if (rule === null) most = index
      else prefix.push(rule)
    }
    const rest = most > prefix.length ? valueRule(shape.parts.flatMap((part) => part.items ?? [])) : null
    if (rest === null) most = Math.min(most, prefix.length)
    if (least > most) return []
    // Built from the end: what may follow after so many items.
    let tail =
      rest === null
        ? ''
        : repeat(rules, rules.add(`${comma} ${rest}`), Math.max(0, least - Math.max(1, prefix.length)), most - Math.max(1, prefix.length))
    for (let index = prefix.length - 1; index >= 1; index--) {
      const group = `${comma} ${prefix[index]} ${tail}`.trim()
      tail = index < least ? group : `(${rules.add(group)})?`
    }
    const first = prefix[0] ?? rest
    const items = first === null || first === undefined || most === 0 ? '' : `${first} ${tail}`.trim()
    const body = items === '' ? '"[]"' : least > 0 ? `"[" ${items} "]"` : `"[" (${rules.add(items)})? "]"`
    return [{ body, needs: [...prefix.slice(0, least), ...(least > prefix.length && rest !== null ? [rest] : [])] }]
  }

  function objectBody(shape: Shape): { body: string; needs: string[] }[] {
    const required = new Set(shape.parts.flatMap((part) => part.required ?? []))
    const names = new Set([...shape.parts.flatMap((part) => [...(part.properties?.keys() ?? [])]), ...required])
    const least = largest(shape, 'minProperties')
    const most = smallest(shape, 'maxProperties')
    const pairs: { rule: string; required: boolean; value: string }[] = []
    for (const name of names) {
      const value = most === 0 ? null : valueRule(schemasOfProperty(shape, name))
      if (value !== null)
        pairs.push({ rule: rules.add(`${literal(`${JSON.stringify(name)}:`)} ${space} ${value}`), required: required.has(name), value })
      else if (required.has(name)) return []
    }
    const extra = most === 0 ? null : extraPair(shape, names)
    const needed = pairs.filter((pair) => pair.required).map((pair) => pair.value)
    if (pairs.length === 0) {
      if (extra === null) return least > 0 ? [] : [{ body: '"{}"', needs: [] }]
      const more = repeat(rules, rules.add(`${comma} ${extra.pair}`), Math.max(0, least - 1), most - 1)
      const all = `${extra.pair} ${more}`
      return [{ body: least > 0 ? `"{" ${all} "}"` : `"{" (${rules.add(all)})? "}"`, needs: least > 0 ? [extra.value] : [] }]
    }
    // From the end: `member` chooses the next property, `tail` is what follows one. So rules grow with the properties, not their subsets.
    let member = extra === null ? null : rules.add(`${extra.pair} ${rules.add(`(${rules.add(`${comma} ${extra.pair}`)})*`)}`)
    let mustFollow = false
    for (const pair of pairs.toReversed()) {
      const tail = member === null ? '' : mustFollow ? `${comma} ${member}` : `(${rules.add(`${comma} ${member}`)})?`
      const taken = tail === '' ? pair.rule : `${pair.rule} ${rules.add(tail)}`
      member = rules.add(pair.required || member === null ? taken : `${taken} | ${member}`)
      mustFollow ||= pair.required
    }
    const body = mustFollow || least > 0 ? `"{" ${member} "}"` : `"{" ${member}? "}"`
    return [{ body, needs: needed }]
  }

  /** What the parts ask of a property: those that declare it, by name or pattern, and `additionalProperties` of those that do not. */
  function schemasOfProperty(shape: Shape, name: string): All {
    return shape.parts.flatMap((part) => {
      const declared = [...(part.properties?.has(name) ? [part.properties.get(name) ?? true] : [])]
      for (const [pattern, schema] of part.patternProperties ?? []) if (accepts(patternOf(pattern), name)) declared.push(schema)
      return declared.length > 0 ? declared : [part.additionalProperties ?? true]
    })
  }

  function patternOf(pattern: string): Automaton {
    let automaton = compiledPatterns.get(pattern)
    if (automaton === undefined) {
      automaton = compilePattern(pattern)
      compiledPatterns.set(pattern, automaton)
    }
    return automaton
  }

  /** Properties without a declared name. */
  function extraPair(shape: Shape, names: ReadonlySet<string>): { pair: string; value: string } | null {
    const patterns = shape.parts.flatMap((part) => [...(part.patternProperties ?? [])])
    const additional = shape.parts.flatMap((part) => part.additionalProperties ?? [])
    const closed = shape.parts.some((part) => part.closed && part.additionalProperties === undefined)
    const wanted = additional.length > 0 || (names.size === 0 && patterns.length === 0)
    let keys = names.size === 0 ? null : complement(wordAutomaton(names))
    for (const part of shape.parts) if (part.propertyNames !== undefined) keys = narrowKeys(keys, stringLanguage([part.propertyNames]))
    const found: { pair: string; value: string }[] = []
    const offer = (language: Automaton | null, schemas: All) => {
      if (language !== null && isEmpty(language)) return
      const value = valueRule(schemas)
      if (value === null) return
      found.push({ pair: rules.add(`${language === null ? anyString : writeLanguage(shape, language)} ":" ${space} ${value}`), value })
    }
    try {
      for (const [pattern, schema] of patterns) {
        let language = patternOf(pattern)
        for (const [other] of patterns) if (other !== pattern) language = intersect(language, complement(patternOf(other)))
        offer(keys === null ? language : intersect(language, keys), [schema])
      }
      if (wanted && !closed) {
        let language = keys
        for (const [pattern] of patterns) language = narrowKeys(language, complement(patternOf(pattern)))
        offer(language, additional)
      }
    } catch (error) {
      if (!(error instanceof TooManyStates)) throw error
      throw unsupported('patternProperties', shape.pointer, 'its patterns are too complex together')
    }
    const first = found[0]
    if (first === undefined) return null
    if (found.length === 1) return first
    const value = rules.add(found.map((one) => one.value).join(' | '))
    needs.set(value, { pointer: shape.pointer, alternatives: found.map((one) => [one.value]) })
    return { pair: rules.add(found.map((one) => one.pair).join(' | ')), value }
  }

  /** The strings that satisfy a schema, as far as they make one automaton; null: any, the check sees to the rest. */
  function stringLanguage(all: All): Automaton | null {
    const shapes = shapesOf(document, all)
    const shape = shapes[0]?.shape
    if (shape === undefined || shapes.length !== 1) return null
    const words = valuesOf(shape)?.filter((value) => typeof value === 'string')
    const languages = [
      ...(words === undefined ? [] : [wordAutomaton(words)]),
      ...shape.parts.flatMap((part) => part.patterns ?? []).map(patternOf),
      ...shape.parts.flatMap((part) => part.formats ?? []).map(formatAutomaton)
    ]
    const least = largest(shape, 'minLength')
    const most = smallest(shape, 'maxLength')
    const anything: Automaton = complement({ edges: [[]], accepts: [false] })
    const language = languages.reduce((one: Automaton | null, other) => narrowKeys(one, other), null)
    if (least === 0 && most === Number.POSITIVE_INFINITY) return language
    try {
      return withLength(language ?? anything, least, most)
    } catch (error) {
      if (!(error instanceof TooManyStates)) throw error
      return language
    }
  }

  function narrowKeys(keys: Automaton | null, by: Automaton | null): Automaton | null {
    if (keys === null || by === null) return keys ?? by
    return intersect(keys, by)
  }

  /** A schema that asks for itself inside itself would make a model write on without an end. */
  function refuseEndless(): void {
    const ends = new Set<string>()
    const does = (name: string) => ends.has(name) || !needs.has(name)
    for (let before = -1; before < ends.size; ) {
      before = ends.size
      for (const [name, { alternatives }] of needs) if (alternatives.some((all) => all.every(does))) ends.add(name)
    }
    for (const [name, { pointer }] of needs)
      if (!ends.has(name)) throw unsupported('$ref', pointer, 'each of its values would contain another one of its own kind, without an end')
  }

  return { valueRule, refuseEndless }
}

const mostStates = 20_000

/** The largest minimum that is accepted: a model asked for more would not come to an end in any usual context window. */
const longestMinimum = 100_000

function isOfType(value: unknown, types: ReadonlySet<JsonType>): boolean {
  if (value === null) return types.has('null')
  if (Array.isArray(value)) return types.has('array')
  if (typeof value === 'number') return types.has('number') || (types.has('integer') && Number.isInteger(value))
  // What is left of JSON: its names in TypeScript are the same.
  return types.has(typeof value as JsonType)
}
