import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { AppError } from '../errors.ts'
import { ruleOf } from '../issue-words.ts'

type Issue = z.core.$ZodIssue

/** Fastify's validator for zod schemas: what fails becomes `invalid_request` in the client's words. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data) => {
    const parsed = schema.safeParse(data)
    if (parsed.success) return { value: parsed.data }
    return { error: toInvalidRequest(parsed.error, data, httpPart) }
  }
}

/** The first thing that is wrong: which field, what it may be, what it was. Values longer than a word or two are described, not repeated. */
export function toInvalidRequest(error: z.ZodError, input: unknown, part = 'body'): AppError {
  const { issue, path } = deepest(error.issues[0] as Issue, []) // A failed parse has at least one issue.
  const value = valueAt(input, path)
  const param = path.join('.')
  const subject = param === '' ? `the ${part === 'querystring' ? 'query' : part}` : param
  const rule = ruleOf(issue, value)
  const joined = rule.startsWith('must ') || rule.startsWith('is ') ? `${subject} ${rule}` : `${subject}: ${rule}`
  const got = value === undefined || rule === 'is required' ? '' : `, got ${describe(value)}`
  return new AppError('invalid_request', joined + got, param === '' ? {} : { param })
}

/** In a union the branch that got furthest is the one that was meant. */
function deepest(issue: Issue, above: PropertyKey[]): { issue: Issue; path: PropertyKey[] } {
  const path = [...above, ...issue.path]
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { issue, path }
  let best: { issue: Issue; path: PropertyKey[] } = { issue, path }
  for (const [first] of issue.errors) {
    if (first === undefined) continue
    const found = deepest(first, path)
    if (
      found.path.length > best.path.length ||
      (found.path.length === best.path.length && best.issue.code === 'invalid_union' && isBound(found.issue))
    ) {
      best = found
    }
  }
  return best
}

function isBound(issue: Issue): boolean {
  return issue.code === 'too_small' || issue.code === 'too_big' || issue.code === 'custom'
}

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
