import type { SchemaNode } from '#contracts/plan.ts'
import type { ServiceRegistration } from '../plan-engine.ts'
import { readSchemaNode } from './schema-node.ts'
import { invalidField, isRecord, isText, kindOf, quote, word } from './schema-words.ts'

/** A registration that passed. `warnings`: what of its schema is not used, in words; nothing of it may matter, but who wrote it should know. */
export type CheckedRegistration = {
  name: string
  description: string
  input: SchemaNode
  output: SchemaNode
  revertible: boolean
  approval: boolean
  warnings: string[]
}

/** Characters of a description, and bytes of what is kept of a schema. Every plan of the project may have to be told about them. */
const maxDescription = 32_768
const maxSchemaBytes = 512 * 1024

/** What a service says of itself → what is kept of it. Throws `invalid_request` naming the field. */
export function readRegistration(registration: ServiceRegistration): CheckedRegistration {
  // Its type is a promise of the client's.
  const { name, description, schema }: Record<'name' | 'description' | 'schema', unknown> = registration
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
    throw invalidField('name', `must be 3–63 of a–z, 0–9, "." and "-", a letter or digit first and last, got ${quote(name)}`)
  }
  if (typeof description !== 'string' || description.trim() === '') {
    throw invalidField('description', `must say what the service does, got ${typeof description === 'string' ? 'nothing' : kindOf(description)}`)
  }
  if (description.length > maxDescription) {
    throw invalidField('description', `must have at most ${maxDescription} characters, got ${description.length}`)
  }
  if (!isText(description)) throw invalidField('description', 'has control characters; leave them out')
  const { input, output, warnings } = readServiceSchema(schema)
  return { name, description, input, output, warnings, revertible: registration.revertible, approval: registration.approval ?? false }
}

/** The schemas of what a service takes and gives: objects, both. Throws `invalid_request` naming the field. */
export function readServiceSchema(schema: unknown): { input: SchemaNode; output: SchemaNode; warnings: string[] } {
  if (!isRecord(schema)) throw invalidField('schema', `must be {"input": …, "output": …}, got ${kindOf(schema)}`)
  const input = readSchema(word(schema, 'input'), 'schema.input')
  const output = readSchema(word(schema, 'output'), 'schema.output')
  for (const [side, { node }] of Object.entries({ input, output })) {
    if (node.type !== 'object') throw invalidField(`schema.${side}.type`, `must be object, got ${node.type}; put the value into a property`)
  }
  const bytes = Buffer.byteLength(JSON.stringify([input.node, output.node]))
  if (bytes > maxSchemaBytes) throw invalidField('schema', `must have at most ${maxSchemaBytes} bytes as JSON, got ${bytes}`)
  return { input: input.node, output: output.node, warnings: [...input.warnings, ...output.warnings] }
}

/** One schema with everything its references lead to. `at`: its field, for messages. Throws `invalid_request`. */
export function readSchema(schema: unknown, at: string): { node: SchemaNode; warnings: string[] } {
  if (!isRecord(schema)) throw invalidField(at, `must be an object that describes a value, got ${kindOf(schema)}`)
  const warnings = new Set<string>()
  return { node: readSchemaNode({ root: schema, nodes: 0, warnings }, schema, { at, depth: 1, references: [] }), warnings: [...warnings] }
}
