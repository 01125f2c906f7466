import type { JsonSchema } from '#contracts/chat.ts'
import type { InputDecision } from './wiring.ts'

/** Services a model may list at once. */
export const mostChosen = 12

/**
 * What a model may answer when it chooses services: which, in which order; or none, and what is missing. Both begin alike, so that it has not made up its mind with
 * its first word.
 */
export function servicesSchema(labels: readonly string[]): JsonSchema {
  const service = { $ref: '#/$defs/service' }
  const missing = { type: 'string', minLength: 1, maxLength: 300 }
  return {
    anyOf: [
      object({ services: { type: 'array', items: service, minItems: 1, maxItems: mostChosen } }),
      object({ services: { type: 'array', items: service, maxItems: 0 }, missing })
    ],
    $defs: { service: { enum: [...labels] } }
  }
}

function object(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

export type OpenInput = Extract<InputDecision, { type: 'open' }>

/** What a model may give to the inputs that are still open: for each one of its sources, or a constant of its type. Equal forms are written once. */
export function inputsSchema(open: readonly OpenInput[]): JsonSchema {
  const definitions = new Map<string, { name: string; schema: JsonSchema }>()
  const tasks = new Map<string, OpenInput[]>()
  for (const decision of open) tasks.set(decision.task, [...(tasks.get(decision.task) ?? []), decision])
  const properties = [...tasks].map(([task, inputs]): [string, JsonSchema] => [
    task,
    {
      type: 'object',
      properties: Object.fromEntries(inputs.map((decision) => [decision.input, { $ref: `#/$defs/${define(formOf(decision))}` }])),
      required: inputs.filter(({ optional }) => !optional).map(({ input }) => input),
      additionalProperties: false
    }
  ])
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: properties.map(([task]) => task),
    additionalProperties: false,
    $defs: Object.fromEntries([...definitions.values()].map(({ name, schema }) => [name, schema]))
  }

  function define(schema: JsonSchema): string {
    const key = JSON.stringify(schema)
    const known = definitions.get(key) ?? { name: `value${definitions.size + 1}`, schema }
    definitions.set(key, known)
    return known.name
  }
}

function formOf({ choices, constant }: OpenInput): JsonSchema {
  const reference = { enum: [...choices] }
  if (constant === undefined) return reference
  const form = { type: 'object', properties: { constant: constant.schema }, required: ['constant'], additionalProperties: false }
  return choices.length === 0 ? form : { anyOf: [reference, form] }
}

/** The answer to `wholeSchema`'s request in one go, for endpoints that take a schema but may not hold to it. */
export function wholeSchema(): JsonSchema {
  const task = {
    type: 'object',
    properties: { id: { type: 'string' }, service: { type: 'string' }, input: { type: 'object' } },
    required: ['id', 'input']
  }
  return {
    type: 'object',
    properties: {
      tasks: { type: 'array', items: task },
      parallel_groups: { type: 'array', items: { type: 'array', items: { type: 'string' } } }
    },
    required: ['tasks']
  }
}
