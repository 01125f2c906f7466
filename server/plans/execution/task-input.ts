import type { Json, JsonObject, PlanTask, SchemaNode } from '#contracts/plan.ts'
import { parseReference } from '../protocol/reference.ts'

/**
 * What a task is given. A field that its producer left out is left out, too, where the service can do without it; otherwise `missing` says in
 * words what lacks, and no attempt can help.
 */
export function resolveInput(
  task: PlanTask,
  schema: SchemaNode,
  outputOf: (task: string) => Json | undefined
): { input: JsonObject; missing: string[] } {
  const input: JsonObject = {}
  const missing: string[] = []
  const required = new Set(schema.required ?? Object.keys(schema.properties ?? {}))
  for (const [name, value] of Object.entries(task.input)) {
    const reference = parseReference(value)
    if (reference === undefined) {
      missing.push(`the input ${name} is ${JSON.stringify(value)}, which is no reference`)
      continue
    }
    const output = outputOf(reference.task)
    if (isObject(output) && Object.hasOwn(output, reference.field)) {
      input[name] = output[reference.field] ?? null
    } else if (required.has(name)) {
      const why = isObject(output) ? `has no field ${JSON.stringify(reference.field)}` : 'is no object'
      missing.push(`the input ${name} is to come from ${value}, and the result of ${reference.task} ${why}`)
    }
  }
  return { input, missing }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
