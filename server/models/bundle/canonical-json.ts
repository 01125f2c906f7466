import { canonicalJson } from '../../canonical-json.ts'
import type { AppError } from '../../errors.ts'
import { jsonDepth } from '../../json-depth.ts'
import { invalidBundle } from './invalid-bundle.ts'

/** Deep enough for every manifest, and far from what a recursion can take. */
const maxDepth = 16

/** The one way to write a value: keys in order, no white space, a line end after it. Numbers are whole. */
export function toCanonicalJson(value: unknown): string {
  return `${canonicalJson(value)}\n`
}

/** Throws `AppError('bundle_invalid')` unless the bytes are the canonical JSON of a value: no key twice, nothing before or after, not nested deeply. */
export function fromCanonicalJson(bytes: Buffer): unknown {
  const depth = jsonDepth(bytes)
  if (depth > maxDepth) throw invalid(`is nested ${depth} deep; ${maxDepth} are possible`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    throw invalid(`is no JSON: ${(error as Error).message}`)
  }
  if (!Buffer.from(toCanonicalJson(value)).equals(bytes)) throw invalid('is not written in the one way that can be signed')
  return value
}

function invalid(what: string): AppError {
  return invalidBundle(`The bundle's manifest ${what}`)
}
