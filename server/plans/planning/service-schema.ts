import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject, SchemaNode, Service } from '#contracts/plan.ts'

/** The properties of an object schema; none for one that declares none. */
export function propertiesOf(schema: SchemaNode): Map<string, SchemaNode> {
  return new Map(Object.entries(schema.properties ?? {}))
}

/** Whether an object schema wants a property. A schema without `required` wants all of them. */
export function isRequired(schema: SchemaNode, name: string): boolean {
  return schema.required === undefined || schema.required.includes(name)
}

/** Inputs that a task of this service must be given. */
export function requiredInputs(service: Service): string[] {
  return [...propertiesOf(service.input).keys()].filter((name) => isRequired(service.input, name))
}

/** `string`, `string[]`, `object`, …, for people. */
export function typeName(schema: SchemaNode): string {
  if (takesAnything(schema)) return 'anything'
  if (schema.type === 'array') return schema.items === undefined ? 'array' : `${typeName(schema.items)}[]`
  return schema.type
}

/**
 * The `format` of a text input that takes any value, and reads what is no text as JSON: what models of ours work on. Everywhere else
 * a text is a text.
 */
export const anythingAsText = 'any-value'

/** Whether an input takes whatever there is. */
export function takesAnything({ type, format }: SchemaNode): boolean {
  return type === 'string' && format === anythingAsText
}

/** Whether what one schema describes may be given where the other one is asked for. What neither of them says is no hindrance. */
export function mayFeed(from: SchemaNode, to: SchemaNode): boolean {
  if (takesAnything(to)) return true
  // Services say `number` for whole numbers as often as not.
  const same = isNumeric(from) && isNumeric(to) ? true : from.type === to.type
  if (!same) return false
  if (from.enum !== undefined && to.enum !== undefined && !from.enum.some((value) => includes(to.enum, value))) return false
  if (to.type === 'array') return from.items === undefined || to.items === undefined || mayFeed(from.items, to.items)
  if (to.type !== 'object' || from.properties === undefined) return true
  const given = propertiesOf(from)
  for (const [name, wanted] of propertiesOf(to)) {
    const there = given.get(name)
    if (there === undefined ? to.required?.includes(name) : !mayFeed(there, wanted)) return false
  }
  return true
}

/**
 * What keeps a value from being given to an input; undefined: nothing. Values come from people and programs that do not know the schema: a text that
 * reads as the wanted number or boolean may be given, and so may a number for a text, and `null`, which says nothing of types. They are passed on as they are.
 */
export function whyNotValue(value: Json, to: SchemaNode): string | undefined {
  if (value === null || takesAnything(to)) return undefined
  if (!isOfType(value, to)) return `is ${kindOf(value)}, and the input takes ${typeName(to)}`
  if (to.enum !== undefined && !to.enum.some((one) => isDeepStrictEqual(one, value) || String(one) === String(value))) {
    return `is ${short(value)}, and the input takes ${to.enum.map((one) => JSON.stringify(one)).join(', ')}`
  }
  const number = isNumeric(to) ? Number(value) : Number.NaN
  if (to.minimum !== undefined && number < to.minimum) return `is ${short(value)}, and the input takes ${to.minimum} or more`
  if (to.maximum !== undefined && number > to.maximum) return `is ${short(value)}, and the input takes ${to.maximum} or less`
  if (Array.isArray(value) && to.items !== undefined) {
    for (const [index, item] of value.entries()) {
      const problem = whyNotValue(item, to.items)
      if (problem !== undefined) return `[${index}] ${problem}`
    }
  }
  if (to.type === 'object' && typeof value === 'object' && !Array.isArray(value)) {
    for (const [name, wanted] of propertiesOf(to)) {
      if (!Object.hasOwn(value, name)) {
        // An absent `required` asks for everything in inputs of tasks; objects inside are the business of who sends them.
        if (to.required?.includes(name)) return `lacks ${name}`
        continue
      }
      const problem = whyNotValue(value[name] ?? null, wanted)
      if (problem !== undefined) return `.${name} ${problem}`
    }
  }
  return undefined
}

/** The schema that a value has, as far as one can tell from it. */
export function schemaOfValue(value: Json): SchemaNode | undefined {
  if (value === null) return undefined
  if (Array.isArray(value)) {
    const items = value[0] === undefined ? undefined : schemaOfValue(value[0])
    return items === undefined ? { type: 'array' } : { type: 'array', items }
  }
  if (typeof value === 'object') return { type: 'object', properties: objectProperties(value) }
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'integer' : 'number' }
  return { type: typeof value === 'boolean' ? 'boolean' : 'string' }
}

function objectProperties(value: JsonObject): Record<string, SchemaNode> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => {
      const schema = schemaOfValue(item)
      return schema === undefined ? [] : [[name, schema] as const]
    })
  )
}

function isOfType(value: Json, { type }: SchemaNode): boolean {
  if (Array.isArray(value)) return type === 'array'
  switch (typeof value) {
    case 'object':
      return type === 'object'
    case 'string': {
      if (type === 'boolean') return /^(true|false)$/i.test(value)
      if (type === 'integer') return /^\s*[+-]?\d+\s*$/.test(value)
      return type === 'string' || (type === 'number' && value.trim() !== '' && Number.isFinite(Number(value)))
    }
    case 'number':
      return type === 'number' || type === 'string' || (type === 'integer' && Number.isInteger(value))
    default:
      return type === 'boolean'
  }
}

function isNumeric({ type }: SchemaNode): boolean {
  return type === 'number' || type === 'integer'
}

function includes(values: readonly Json[] | undefined, value: Json): boolean {
  return values?.some((one) => isDeepStrictEqual(one, value)) ?? false
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${short(value)}`
}

/** As much of a value as a message needs. */
function short(value: Json): string {
  const text = JSON.stringify(value)
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}
