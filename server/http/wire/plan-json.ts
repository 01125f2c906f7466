import { z } from 'zod'
import { AppError } from '../../errors.ts'
import { toInvalidRequest } from '../validation.ts'

/**
 * An object as clients of the plan engine may write it: the original reads names in any case (its command line writes `Content`), takes null
 * for "not given" and passes over what it does not know. Where null is a value of its own, say so with a default of null.
 */
export function anyCase<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]))
  return z.preprocess((value) => {
    if (value === null || value === undefined) return {}
    if (typeof value !== 'object' || Array.isArray(value)) return value
    const known: Record<string, unknown> = {}
    for (const [key, entry] of Object.entries(value)) {
      const name = names.get(key.toLowerCase())
      if (name !== undefined && entry !== null) known[name] = entry
    }
    return known
  }, z.object(shape))
}

/** A body by its schema. Throws `invalid_json` for what has the wrong type or is missing whole, `invalid_request` for what is out of bounds. */
export function readPlanBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  // Fastify shows a missing body as null.
  if (body === undefined || body === null) throw new AppError('invalid_json', 'the body is missing; send JSON, {} at least')
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  // Whether it can be read at all comes before whether it makes sense.
  const ofType = parsed.error.issues.find(({ code }) => code === 'invalid_type')
  if (ofType === undefined) throw toInvalidRequest(parsed.error, body)
  const wrong = toInvalidRequest(new z.ZodError([ofType]), body)
  throw new AppError('invalid_json', wrong.message, wrong.param === undefined ? {} : { param: wrong.param })
}
