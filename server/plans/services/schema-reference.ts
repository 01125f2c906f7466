import { invalidField, isRecord, quote, type RawSchema } from './schema-words.ts'

/**
 * A schema that is `$ref` to another place of the same document → that place, with what stands beside the reference. Undefined: it is none.
 * `followed`: the references on the way here. Throws `invalid_request` for one that leads nowhere, out of the document, or back to itself.
 */
export function followReference(
  root: RawSchema,
  schema: RawSchema,
  at: string,
  followed: readonly string[]
): { schema: RawSchema; reference: string } | undefined {
  const { $ref: reference, ...beside } = schema
  if (reference === undefined || reference === null) return undefined
  const param = `${at}.$ref`
  if (typeof reference !== 'string' || !/^#(?:\/|$)/.test(reference)) {
    throw invalidField(param, `must lead to a place in the same schema, as in "#/$defs/name", got ${quote(reference)}`)
  }
  if (followed.includes(reference)) {
    throw invalidField(param, `leads back to itself (${quote(reference)}); recursive schemas have no end, describe as many levels as there are`)
  }
  const target = lookUp(root, reference)
  if (!isRecord(target)) throw invalidField(param, `leads to nothing: there is no ${quote(reference)}`)
  return { schema: { ...target, ...beside }, reference }
}

function lookUp(root: RawSchema, reference: string): unknown {
  let place: unknown = root
  for (const part of reference.split('/').slice(1)) {
    const name = decode(part)
    if (typeof place !== 'object' || place === null || name === undefined || !Object.hasOwn(place, name)) return undefined
    place = (place as RawSchema)[name] // An array is looked up by index just the same.
  }
  return place
}

/** A part of a JSON pointer in a URL. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}
