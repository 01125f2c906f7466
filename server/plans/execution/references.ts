import type { Json, JsonObject, PlanTask, SchemaNode } from '#contracts/plan.ts'

/** Where an input comes from. */
export type Reference = { task: string; field: string }

/** `$task1.total` → task and field; the field is everything after the first dot. Undefined: it is no reference. */
export function toReference(value: unknown): Reference | undefined {
  const match = typeof value === 'string' ? /^\$([^.]+)\.(.+)$/s.exec(value) : null
  return match === null ? undefined : { task: match[1] ?? '', field: match[2] ?? '' }
}

/** Ids of the tasks that must be done before this one, each once; task0 is always done. */
export function dependenciesOf({ input }: PlanTask): string[] {
  const tasks = Object.values(input).flatMap((value) => toReference(value)?.task ?? [])
  return [...new Set(tasks)].filter((task) => task !== 'task0')
}

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
    const reference = toReference(value)
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
