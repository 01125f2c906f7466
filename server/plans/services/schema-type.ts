import type { SchemaNode } from '#contracts/plan.ts'
import { invalidField, isRecord, quote, type RawSchema, word } from './schema-words.ts'

export type SchemaType = SchemaNode['type']

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean'] as const
const unions = ['anyOf', 'oneOf', 'allOf'] as const

/** The one type of a value, null aside. Undefined: its variants say it (`soleVariant`). Throws `invalid_request`. */
export function schemaType(schema: RawSchema, at: string): SchemaType | undefined {
  const given = word(schema, 'type')
  if (given === undefined && unionOf(schema) !== undefined) return undefined
  const type = oneType([given].flat())
  if (type !== undefined) return type
  throw invalidField(`${at}.type`, `must be one of ${types.join(', ')}, got ${given === undefined ? 'none' : quote(given)}`)
}

/**
 * `anyOf` of something and null, as libraries describe a value that may be absent, is that something; and a union of one is no union.
 * Throws `invalid_request` where several are left.
 */
export function soleVariant(schema: RawSchema, at: string): RawSchema {
  const union = unionOf(schema)
  if (union === undefined) throw invalidField(at, 'has no type')
  const { [union.name]: _union, ...beside } = schema
  const variants = union.variants.filter((variant) => !(isRecord(variant) && variant['type'] === 'null'))
  const [first] = variants
  if (variants.length === 1 && isRecord(first)) return { ...first, ...beside }
  const bare = variants.map((variant) =>
    isRecord(variant) && Object.keys(variant).every((key) => key === 'type' || key === 'title') ? variant['type'] : 0
  )
  const type = oneType(bare)
  if (type !== undefined) return { ...beside, type }
  throw invalidField(`${at}.${union.name}`, `leaves open which of ${variants.length} forms the value has; describe one`)
}

/** Every integer is a number, so the two together are no choice. */
function oneType(names: unknown[]): SchemaType | undefined {
  const different = new Set(names.filter((name) => name !== 'null'))
  if (different.has('number')) different.delete('integer')
  const [name] = different
  return different.size === 1 ? types.find((type) => type === name) : undefined
}

function unionOf(schema: RawSchema): { name: string; variants: unknown[] } | undefined {
  for (const name of unions) {
    const variants = schema[name]
    if (Array.isArray(variants)) return { name, variants }
  }
  return undefined
}
