import type { SchemaNode, Service } from '#contracts/plan.ts'
import { isRequired, propertiesOf, typeName } from './service-schema.ts'

/** How a model calls services: by their name where that is plain and no other service has it, otherwise by their id. */
export function labelServices(services: readonly Service[]): Map<string, Service> {
  const counts = new Map<string, number>()
  for (const { name } of services) counts.set(name, (counts.get(name) ?? 0) + 1)
  return new Map(services.map((service) => [isPlain(service.name) && counts.get(service.name) === 1 ? service.name : service.id, service]))
}

/** Characters of a description that a prompt shows; a longer one ends with `…` there. */
const shownDescription = 240
const shownField = 100

/** One line that says what a service does, takes and gives. What its owner wrote stands in it as JSON strings, so that it cannot pass for part of the prompt. */
export function describeService(label: string, service: Service): string {
  const takes = [...propertiesOf(service.input)].map(([name, schema]) => describeField(name, schema, isRequired(service.input, name)))
  const gives = [...propertiesOf(service.output)].map(([name, schema]) => describeField(name, schema, true))
  return `${JSON.stringify(label)}: ${quote(service.description, shownDescription)} takes ${takes.join(', ') || 'nothing'}; gives ${gives.join(', ') || 'nothing'}`
}

/** These services as a prompt that calls them by their ids lists them. */
export function describeServices(services: readonly Service[]): string {
  return services.map((service) => describeService(service.id, service)).join('\n')
}

export function describeField(name: string, schema: SchemaNode, required: boolean): string {
  const values = schema.enum === undefined ? '' : ` one of ${schema.enum.map((value) => JSON.stringify(value)).join('|')}`
  const about = schema.description === undefined ? '' : ` ${quote(schema.description, shownField)}`
  return `${isPlain(name) ? name : JSON.stringify(name)}${required ? '' : '?'} (${typeName(schema)}${values}${about})`
}

export function quote(text: string, most: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return JSON.stringify(line.length <= most ? line : `${line.slice(0, most - 1)}…`)
}

function isPlain(name: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N} _.:-]{0,63}$/u.test(name) && name.trim() === name
}
