import type { JsonSchema } from '#contracts/chat.ts'
import { createCheck } from './grammar/schema-check.ts'
import { readSchema } from './grammar/schema-document.ts'
import { writeRules } from './grammar/schema-rules.ts'
import { unsupported } from './grammar/unsupported.ts'

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
  const key = JSON.stringify(schema)
  const known = kept.get(key)
  if (known !== undefined) {
    kept.delete(key)
    kept.set(key, known)
    return known
  }
  const compiled = withinStack(() => {
    const document = readSchema(schema)
    return { gbnf: writeRules(document, 'root'), check: createCheck(document) }
  })
  kept.set(key, compiled)
  const oldest = kept.keys().next()
  if (kept.size > mostKept && !oldest.done) kept.delete(oldest.value)
  return compiled
}

/** Clients send the same few schemas again and again. */
const kept = new Map<string, CompiledSchema>()
const mostKept = 64

/** Any JSON object. */
export function anyJsonObject(): CompiledSchema {
  return compileJsonSchema({ type: 'object' })
}

/** The rules of a schema from the rule `rootName` on, all others named `<rootName>-…`, to be put into a larger grammar. Throws as `compileJsonSchema`. */
export function schemaRules(schema: JsonSchema, rootName: string): string {
  return withinStack(() => writeRules(readSchema(schema), rootName))
}

/** Hundreds of definitions that each lead to the next one are deeper than the call stack, here and in the validator. */
function withinStack<T>(compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw unsupported('$ref', '#', 'its definitions lead too deep into each other')
  }
}
