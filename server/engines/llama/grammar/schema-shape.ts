import { type JsonType, type Keywords, meet, type Schema, type SchemaDocument } from './schema-document.ts'
import { unsupported } from './unsupported.ts'

/** Schemas that hold together; a value must satisfy each. Empty: anything. */
export type All = readonly Schema[]

/** Keywords of schemas that hold together, without references or choices. */
export type Shape = { pointer: string; parts: Readonly<Keywords>[] }

const mostShapes = 500
const mostSteps = 20_000

/**
 * Takes references, `allOf`, `anyOf` and `oneOf` apart: a value satisfies `all` if and (but for `oneOf`, which the check counts) only if it
 * has one of the shapes. Throws `unsupported_schema` when a reference leads to itself, or the combinations get too many.
 */
export function shapesOf(document: SchemaDocument, all: All): { key: string; shape: Shape }[] {
  let steps = 0
  /** `todo` is worked off from its end; `chain` are the references and choices open above. */
  function expand(todo: readonly { schema: Schema; chain: readonly string[] }[], done: Map<string, Keywords>): Map<string, Keywords>[] {
    const rest = [...todo]
    const flat = new Map(done)
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      const { schema, chain } = next
      if (schema === true) continue
      if (schema === false) return []
      if (++steps > mostSteps) throw unsupported('allOf', schema.pointer, 'it combines too many schemas')
      if (chain.includes(schema.pointer)) throw unsupported('$ref', schema.pointer, 'it leads to itself without an object or array between')
      const inner = [...chain, schema.pointer]
      const { ref, allOf, choices, ...plain } = schema.keywords
      if (flat.has(schema.pointer)) continue
      flat.set(schema.pointer, plain)
      if (ref !== undefined) rest.push({ schema: document.targets.get(ref) ?? true, chain: inner })
      for (const part of allOf ?? []) rest.push({ schema: part, chain: inner })
      if (choices !== undefined) {
        // Each combination of one alternative per keyword, with all that is still to do.
        let combinations: Schema[][] = [[]]
        for (const alternatives of choices) {
          combinations = combinations.flatMap((chosen) => alternatives.map((alternative) => [...chosen, alternative]))
          if (combinations.length > mostShapes) throw unsupported('anyOf', schema.pointer, `it makes more than ${mostShapes} combinations`)
        }
        const results: Map<string, Keywords>[] = []
        for (const chosen of combinations) {
          results.push(...expand([...rest, ...chosen.map((one) => ({ schema: one, chain: inner }))], flat))
          if (results.length > mostShapes) throw unsupported('anyOf', schema.pointer, `it makes more than ${mostShapes} combinations`)
        }
        return results
      }
    }
    return [flat]
  }

  const start = all.map((schema) => ({ schema, chain: [] }))
  const shapes = new Map<string, Shape>()
  for (const flat of expand(start, new Map())) {
    const used = [...flat].filter(([, keywords]) => Object.keys(keywords).length > 0)
    const key = used.map(([pointer]) => pointer).sort().join('\n') // biome-ignore format: one thought
    shapes.set(key, { pointer: used[0]?.[0] ?? pointerOf(all), parts: used.map(([, keywords]) => keywords) })
  }
  return [...shapes].map(([key, shape]) => ({ key, shape }))
}

export function pointerOf(all: All): string {
  const first = all.find((schema) => typeof schema !== 'boolean')
  return typeof first === 'object' ? first.pointer : '#'
}

/** The types that every part allows. Without `type`, the ones its other keywords speak of; without those, all. */
export function typesOf(shape: Shape): Set<JsonType> {
  let allowed = new Set<JsonType>(['null', 'boolean', 'number', 'string', 'array', 'object'])
  for (const { types } of shape.parts) {
    if (types === undefined) continue
    const own = new Set(types)
    const next = new Set<JsonType>()
    for (const type of allowed) {
      if (own.has(type) || (type === 'integer' && own.has('number'))) next.add(type)
      else if (type === 'number' && own.has('integer')) next.add('integer')
    }
    allowed = next
  }
  if (shape.parts.some(({ types, values }) => types !== undefined || values !== undefined)) return allowed
  const spoken = new Set(shape.parts.flatMap((part) => Object.keys(part).flatMap((keyword) => typeOfKeyword(keyword))))
  return spoken.size === 0 ? allowed : spoken
}

function typeOfKeyword(keyword: string): JsonType[] {
  if (/^(properties|patternProperties|additionalProperties|propertyNames|required|minProperties|maxProperties)$/.test(keyword)) return ['object']
  if (/^(prefixItems|items|minItems|maxItems)$/.test(keyword)) return ['array']
  if (/^(patterns|formats|minLength|maxLength)$/.test(keyword)) return ['string']
  if (/^(minimum|maximum|exclusiveMinimum|exclusiveMaximum|multipleOf)$/.test(keyword)) return ['number']
  return []
}

/** The fixed values that every part allows; undefined: the values are not fixed. */
export function valuesOf(shape: Shape): unknown[] | undefined {
  return shape.parts.reduce((values: unknown[] | undefined, part) => (part.values === undefined ? values : meet(values, part.values)), undefined)
}

/** The tightest of a bound over all parts. */
export function largest(shape: Shape, bound: 'minLength' | 'minItems' | 'minProperties'): number {
  return Math.max(0, ...shape.parts.map((part) => part[bound] ?? 0))
}
export function smallest(shape: Shape, bound: 'maxLength' | 'maxItems' | 'maxProperties'): number {
  return Math.min(...shape.parts.map((part) => part[bound] ?? Number.POSITIVE_INFINITY))
}
