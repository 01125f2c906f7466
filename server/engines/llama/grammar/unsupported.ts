import { AppError } from '../../../errors.ts'

/** A schema that cannot be held; `keyword` is empty when it is the schema as a whole. `pointer` is a JSON pointer into the schema as the client sent it, `#/properties/a`. */
export function unsupported(keyword: string, pointer: string, reason: string): AppError {
  const named = keyword === '' ? '' : ` keyword ${JSON.stringify(keyword)}`
  return new AppError('unsupported_schema', `the JSON schema${named} at ${pointer} cannot be enforced: ${reason}`)
}

export function pointerTo(pointer: string, ...steps: (string | number)[]): string {
  return [pointer, ...steps.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')
}
