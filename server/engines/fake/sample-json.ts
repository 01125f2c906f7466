import type { JsonSchema } from '#contracts/chat.ts'
import { AppError } from '../../errors.ts'

/** The smallest value a schema of the common keywords accepts. Enough for a deterministic engine; the llama engine compiles schemas for real. */
export function sampleJson(schema: JsonSchema, root: JsonSchema = schema): unknown {
  if (typeof schema['$ref'] === 'string') return sampleJson(resolve(schema['$ref'], root), root)
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const choices = schema[keyword]
    if (Array.isArray(choices)) return sampleJson(choices[0] as JsonSchema, root)
  }
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
  switch (type) {
    case 'string':
      return 'x'.repeat(Number(schema['minLength'] ?? 1))
    case 'integer':
    case 'number':
      return Number(
        schema['minimum'] ?? (schema['exclusiveMinimum'] === undefined ? (schema['maximum'] ?? 0) : Number(schema['exclusiveMinimum']) + 1)
      )
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return Array.from({ length: Number(schema['minItems'] ?? 0) }, () => sampleJson((schema['items'] ?? {}) as JsonSchema, root))
    default: {
      const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>
      return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, sampleJson(property, root)]))
    }
  }
}

function resolve(reference: string, root: JsonSchema): JsonSchema {
  let at: unknown = root
  for (const step of reference.replace(/^#\/?/, '').split('/')) {
    if (step !== '') at = (at as Record<string, unknown> | undefined)?.[step]
  }
  if (at === undefined) throw new AppError('unsupported_schema', `$ref ${reference} points nowhere`)
  return at as JsonSchema
}
