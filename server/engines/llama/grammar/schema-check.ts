import { Ajv2020 } from 'ajv/dist/2020.js'
import { accepts } from './automaton.ts'
import { formatChecks } from './formats.ts'
import { compilePattern } from './regular-expression.ts'
import type { SchemaDocument } from './schema-document.ts'
import { unsupported } from './unsupported.ts'

const mostViolations = 10

/** Patterns run on our automata: linear time, whatever the client wrote. */
const linearPatterns = Object.assign(
  (pattern: string) => {
    const automaton = compilePattern(pattern)
    return { test: (text: string) => accepts(automaton, text), toString: () => pattern }
  },
  { code: 'linearPatterns' }
)

let metaSchema: Ajv2020 | undefined

/** A function that lists what of a finished text violates the schema; empty: nothing. Throws `unsupported_schema` for a malformed schema. */
export function createCheck({ forCheck, pointers }: SchemaDocument): (text: string) => string[] {
  metaSchema ??= new Ajv2020({ strict: false, code: { regExp: linearPatterns } })
  if (!metaSchema.validateSchema(forCheck)) {
    const error = metaSchema.errors?.[0]
    const pointer = (error?.instancePath ?? '').replace(/^\/\$defs\/([^/]*)/, (_, name: string) => pointers.get(name) ?? '#')
    throw unsupported(pointer.split('/').at(-1) ?? '#', pointer, error?.message ?? 'it is malformed')
  }
  const ajv = new Ajv2020({
    strict: false,
    // Not for more errors: code that stops at the first one is nested as deep as there are properties, and takes twice as long to make.
    allErrors: true,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    // A property may be called toString.
    ownProperties: true,
    // 19.99 is a multiple of 0.01, although not in binary.
    multipleOfPrecision: 9,
    formats: formatChecks(),
    code: { regExp: linearPatterns }
  })
  const validate = ajv.compile(forCheck)
  return (text) => {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return [`it is not complete JSON: ${(error as Error).message}`]
    }
    try {
      if (validate(value)) return []
    } catch (error) {
      return [`it could not be checked: ${(error as Error).message}`]
    }
    // What contains the others comes last.
    return (validate.errors ?? [])
      .toReversed()
      .slice(0, mostViolations)
      .map((error) => `${error.instancePath || '/'} ${error.message ?? error.keyword}`)
  }
}
