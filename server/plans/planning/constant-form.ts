import type { JsonSchema } from '#contracts/chat.ts'
import type { Json, SchemaNode } from '#contracts/plan.ts'
import { namesIn, textsIn } from './action-names.ts'
import { isIdentifier, wordsOf } from './names.ts'
import { isRequired, propertiesOf } from './service-schema.ts'
import { hasFormat } from './value-format.ts'

/** The form of a constant as a JSON schema. `named`: the action itself says which values it may have. */
export type ConstantForm = { schema: JsonSchema; named: boolean }

/**
 * What a constant may look like that a model writes for an input; undefined: none will do, because the value names one thing among others and the action names none.
 * Numbers and identifiers come out of the action where it has some, so that they are not made up.
 */
export function constantForm(
  input: string,
  schema: SchemaNode,
  action: string,
  options: { mayInvent: boolean } = { mayInvent: true }
): ConstantForm | undefined {
  return formOf(input, schema, { action, ...options, depth: 0 })
}

type Circumstances = { action: string; mayInvent: boolean; depth: number }

function formOf(input: string, schema: SchemaNode, about: Circumstances): ConstantForm | undefined {
  const { action, depth } = about
  if (schema.enum !== undefined) {
    const said = valuesIn(action, schema.enum)
    return { schema: { enum: said.length > 0 ? said : schema.enum }, named: said.length > 0 }
  }
  const usual = schema.default === undefined ? undefined : { schema: { enum: [schema.default] }, named: false }
  switch (schema.type) {
    case 'boolean':
      return about.mayInvent ? { schema: { type: 'boolean' }, named: false } : usual
    case 'integer':
    case 'number': {
      const numbers = numbersIn(action).filter((number) => isWithin(number, schema) && (schema.type === 'number' || Number.isInteger(number)))
      if (numbers.length > 0) return { schema: { enum: withDefault(numbers, schema) }, named: true }
      return usual ?? (about.mayInvent ? { schema: { type: schema.type, ...bounds(schema) }, named: false } : undefined)
    }
    case 'string': {
      if (!isIdentifier(input, schema)) return about.mayInvent ? { schema: textSchema(schema), named: false } : extractForm(schema, action)
      const names = namesIn(action).filter((name) => schema.format === undefined || hasFormat(name, schema.format))
      return names.length > 0 ? { schema: { enum: withDefault(names, schema) }, named: true } : usual
    }
    case 'array': {
      const items = depth < deepest && schema.items !== undefined ? formOf(input, schema.items, { ...about, depth: depth + 1 }) : undefined
      return items === undefined ? usual : { schema: { type: 'array', items: items.schema, minItems: 1, maxItems: longestList }, named: items.named }
    }
    case 'object':
      return (depth < deepest ? objectForm(schema, about) : undefined) ?? usual
  }
}

function objectForm(schema: SchemaNode, about: Circumstances): ConstantForm | undefined {
  const properties: Record<string, JsonSchema> = {}
  for (const [name, property] of propertiesOf(schema)) {
    const form = formOf(name, property, { ...about, depth: about.depth + 1 })
    if (form !== undefined) properties[name] = form.schema
    else if (isRequired(schema, name)) return undefined
  }
  const names = Object.keys(properties)
  if (names.length === 0) return undefined
  const required = names.filter((name) => isRequired(schema, name))
  return { schema: { type: 'object', properties, required, additionalProperties: false }, named: false }
}

/** What a text can be taken from without a word of one's own: what the action quotes, says after a colon or calls by name; the action itself. */
function extractForm(schema: SchemaNode, action: string): ConstantForm {
  const parts = [...textsIn(action), ...namesIn(action)].filter((part) => schema.format === undefined || hasFormat(part, schema.format))
  return { schema: { enum: [...new Set(withDefault([...parts, action], schema))] }, named: false }
}

function textSchema({ format }: SchemaNode): JsonSchema {
  if (format !== undefined && heldFormats.has(format)) return { type: 'string', format }
  return { type: 'string', minLength: 1, maxLength: longestText }
}

const longestText = 400
const longestList = 20
const deepest = 2
/** Formats that our engines hold while generating. */
const heldFormats = new Set(['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri'])

function withDefault(values: Json[], { default: usual }: SchemaNode): Json[] {
  return usual === undefined || values.includes(usual) ? values : [...values, usual]
}

function bounds({ minimum, maximum }: SchemaNode): JsonSchema {
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) }
}

function isWithin(number: number, { minimum, maximum }: SchemaNode): boolean {
  return number >= (minimum ?? Number.NEGATIVE_INFINITY) && number <= (maximum ?? Number.POSITIVE_INFINITY)
}

/** Those values of an enumeration that the action says. */
function valuesIn(action: string, values: readonly Json[]): Json[] {
  const words = ` ${wordsOf(action).join(' ')} `
  return values.filter((value) => typeof value === 'string' && value.trim() !== '' && words.includes(` ${wordsOf(value).join(' ')} `))
}

const numberWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']

/** Numbers a text names, each once: `3`, `1,250.50`, `two`. Not those inside of names, such as `P-1009`. */
function numbersIn(text: string): number[] {
  const digits = [
    ...text.matchAll(/(?<![\p{L}\p{N}_.-])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\p{L}\p{N}_-])|(?<![\p{L}\p{N}_.-])-?\d+(?:\.\d+)?(?![\p{L}\p{N}_-])/gu)
  ]
  const numbers = digits.map(([found]) => Number(found.replaceAll(',', '')))
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  return [...new Set([...numbers, ...words.flatMap((word) => (numberWords.indexOf(word) > 0 ? [numberWords.indexOf(word)] : []))])]
}
