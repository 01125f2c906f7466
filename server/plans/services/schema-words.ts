import { AppError } from '../../errors.ts'

/** A schema as it came. */
export type RawSchema = Readonly<Record<string, unknown>>

/** Clients written in Go may write a word in any case, and null for what is absent. */
export function word(schema: RawSchema, name: string): unknown {
  if (Object.hasOwn(schema, name)) return schema[name] ?? undefined
  const key = Object.keys(schema).find((each) => each.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : (schema[key] ?? undefined)
}

// What no editor writes and a terminal would obey; line ends and tabs are text.
const control = /[\p{Cc}--[\t\n\r]]/v

/** A text for people. Throws `invalid_request`. */
export function textWord(schema: RawSchema, name: string, at: string): string | undefined {
  const given = word(schema, name)
  if (given === undefined) return undefined
  if (typeof given !== 'string') throw invalidField(`${at}.${name}`, `must be a string, got ${kindOf(given)}`)
  if (!isText(given)) throw invalidField(`${at}.${name}`, 'has control characters; leave them out')
  return given
}

export function isText(value: string): boolean {
  return value.isWellFormed() && !control.test(value)
}

/** Throws `invalid_request`. */
export function numberWord(schema: RawSchema, name: string, at: string): number | undefined {
  const given = word(schema, name)
  if (given === undefined) return undefined
  if (typeof given === 'number' && Number.isFinite(given)) return given
  throw invalidField(`${at}.${name}`, `must be a number, got ${typeof given === 'number' ? 'one that is too large' : kindOf(given)}`)
}

export function isRecord(value: unknown): value is RawSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** For messages: names and values of others, not too long to be read. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

export function invalidField(param: string, problem: string): AppError {
  return new AppError('invalid_request', `${param} ${problem}`, { param })
}
