import type { JsonSchema } from '#contracts/chat.ts'
import { createCheck } from './grammar/schema-check.ts'
import { readSchema } from './grammar/schema-document.ts'
import { writeRules } from './grammar/schema-rules.ts'

/** A JSON schema, ready for generation. */
export type CompiledSchema = {
  /** llama.cpp grammar, from the rule `root`. */
  gbnf: string
  /** What a finished text violates: the keywords that the grammar cannot hold, and texts cut off by a token limit. Empty: it is valid. */
  check(text: string): string[]
}

/**
 * Compiles a schema of draft 2020-12 (see `readSchema` for what older drafts add). The grammar holds types, properties, items, `enum`,
 * `const`, `$ref`, `allOf`, `anyOf`, lengths, number bounds, regular `pattern`s and common `format`s; `oneOf` counts as `anyOf` there. `check`
 * validates all of it, and also `not`, `if`, `contains`, `uniqueItems`, `dependent…`, `unevaluated…` and the rest.
 * Throws `unsupported_schema` with keyword and JSON pointer for what neither of them can hold.
 */
export function compileJsonSchema(schema: JsonSchema): CompiledSchema {
  const document = readSchema(schema)
  return { gbnf: writeRules(document, 'root'), check: createCheck(document) }
}

/** Any JSON object. */
export function anyJsonObject(): CompiledSchema {
  return compileJsonSchema({ type: 'object' })
}

/** The rules of a schema from the rule `rootName` on, all others named `<rootName>-…`, to be put into a larger grammar. Throws as `compileJsonSchema`. */
export function schemaRules(schema: JsonSchema, rootName: string): string {
  return writeRules(readSchema(schema), rootName)
}
