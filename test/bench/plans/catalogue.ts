import type { Json, SchemaNode } from '#contracts/plan.ts'

export type CatalogueService = { name: string; description: string; input: SchemaNode; output: SchemaNode; revertible: boolean }

/**
 * Where an input's value may come from: `data.<field>` of the request, `<service>.<field>` of a task's output, or `{ constant }`, which the
 * action's text names and the plan has to carry (texts compare without case and surrounding blanks).
 */
export type Source = string | { constant: Json }

export type ExpectedPlan = {
  /** Each is there as often as it is named here; an inner list: one of these. */
  services: (string | string[])[]
  /** May be there, too. Any other service is wrong. */
  optional?: string[]
  /** `<service>.<input>` of some task ← any of the sources. Inputs that are not named may come from anywhere. */
  references: Record<string, Source[]> | [input: string, sources: Source[]][]
  /** Inputs that may not come from one and the same task. */
  apart?: [input: string, other: string][]
}

/** `impossible`: no service here can do it, and a planner must say so. */
export type BenchAction = { action: string; data: Record<string, Json>; expected: ExpectedPlan | 'impossible' }

export type Catalogue = { name: string; services: CatalogueService[]; actions: BenchAction[] }

export const text = (description?: string): SchemaNode => node('string', description)
export const date = (description?: string): SchemaNode => ({ ...node('string', description), format: 'date' })
export const number = (description?: string): SchemaNode => node('number', description)
export const integer = (description?: string, limits: { minimum?: number; maximum?: number } = {}): SchemaNode => ({
  ...node('integer', description),
  ...limits
})
export const flag = (description?: string): SchemaNode => node('boolean', description)
export const choice = (...words: string[]): SchemaNode => ({ type: 'string', enum: words })
export const list = (items: SchemaNode, description?: string): SchemaNode => ({ ...node('array', description), items })

type Fields = Record<string, SchemaNode>

/** `takes`: inputs that have to be there; `mayTake`: others. */
export function service(
  name: string,
  description: string,
  fields: { takes: Fields; mayTake?: Fields; gives: Fields; revertible?: boolean }
): CatalogueService {
  const { takes, mayTake = {}, gives, revertible = false } = fields
  return {
    name,
    description,
    input: { type: 'object', properties: { ...takes, ...mayTake }, required: Object.keys(takes) },
    output: { type: 'object', properties: gives, required: Object.keys(gives) },
    revertible
  }
}

function node(type: SchemaNode['type'], description: string | undefined): SchemaNode {
  return { type, ...(description === undefined ? {} : { description }) }
}
