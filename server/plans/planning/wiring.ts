import type { JsonObject, SchemaNode, Service } from '#contracts/plan.ts'
import { type ConstantForm, constantForm } from './constant-form.ts'
import { isIdentifier, nameFit } from './names.ts'
import { taskZeroId, toReference } from './reference.ts'
import { isRequired, mayFeed, propertiesOf, whyNotValue } from './service-schema.ts'

/** A service's place in a plan. */
export type Step = { id: string; service: Service }

/** Something that may be given to an input. `fit`: how well its name says so, 0–1. */
export type Source = { reference: string; fit: number }

/** What is known of an input before a model is asked. `choices`: best first. `constant`: the form of a constant that would do, too. */
export type InputDecision = { task: string; input: string; schema: SchemaNode } & (
  | { type: 'settled'; reference: string }
  | { type: 'open'; choices: string[]; constant: ConstantForm | undefined; optional: boolean }
  | { type: 'missing' }
)

/** From here on a name says enough, and from there on something. */
export const surelyFits = 0.9
export const maybeFits = 0.4

export type WiringQuestion = { steps: readonly Step[]; data: JsonObject; action: string; services: readonly Service[] }

/**
 * Where the inputs of each step may come from: the data, and outputs of steps before it, of a type that fits. What only one source can be meant for is settled without
 * a model; optional inputs that nothing speaks for are left out.
 */
export function wireSteps({ steps, data, action, services }: WiringQuestion): InputDecision[] {
  const decisions: InputDecision[] = []
  /** Reference → the steps it was settled for. */
  const used = new Map<string, Step[]>()
  for (const [index, step] of steps.entries()) {
    for (const [input, schema] of propertiesOf(step.service.input)) {
      const optional = !isRequired(step.service.input, input)
      const sources = sourcesOf({ input, schema, data, before: steps.slice(0, index) })
      const constant = constantForm(input, schema, action)
      const decision = decide({ step, input, schema, optional, sources, constant })
      if (decision === undefined) continue
      if (decision.type === 'settled') used.set(decision.reference, [...(used.get(decision.reference) ?? []), step])
      decisions.push(decision)
    }
  }
  return decisions

  function decide(question: {
    step: Step
    input: string
    schema: SchemaNode
    optional: boolean
    sources: Source[]
    constant: ConstantForm | undefined
  }): InputDecision | undefined {
    const { step, input, schema, optional, constant } = question
    const place = { task: step.id, input, schema }
    let { sources } = question
    const sure = sources.filter(({ fit }) => fit >= surelyFits)
    const best = sure[0]
    if (best !== undefined && (sure.length === 1 || isIdentifier(input, schema))) {
      const later = isIdentifier(input, schema) ? [] : madeFrom(best.reference, step, schema)
      if (later.length === 0 && sure.length === 1) return { ...place, type: 'settled', reference: best.reference }
      const choices = [...later, ...sure.map(({ reference }) => reference)]
      return { ...place, type: 'open', choices, constant: undefined, optional }
    }
    const likely = sources.filter(({ fit }) => fit >= maybeFits)
    if (optional) {
      const named = constant?.named === true ? constant : undefined
      const choices = likely.map(({ reference }) => reference)
      return choices.length === 0 && named === undefined ? undefined : { ...place, type: 'open', choices, constant: named, optional }
    }
    if (isIdentifier(input, schema)) {
      if (likely.length > 0) sources = likely
      // It has its own giver: something else that happens to be of its type is not meant.
      else if (services.some((service) => givesSurely(service, input, schema))) sources = []
    }
    const only = sources[0]
    if (only === undefined && constant === undefined) return { ...place, type: 'missing' }
    if (only !== undefined && sources.length === 1 && (constant === undefined || (isIdentifier(input, schema) && only.fit >= maybeFits)))
      return { ...place, type: 'settled', reference: only.reference }
    return { ...place, type: 'open', choices: sources.map(({ reference }) => reference), constant, optional }
  }

  /** Outputs of earlier steps that were made from the same thing: of `translate` and `summarise` the second may mean the text or its translation. */
  function madeFrom(reference: string, step: Step, schema: SchemaNode): string[] {
    return (used.get(reference) ?? [])
      .filter((user) => user.id !== step.id)
      .flatMap((user) =>
        [...propertiesOf(user.service.output)].flatMap(([field, given]) => (mayFeed(given, schema) ? [toReference(user.id, field)] : []))
      )
  }
}

/** Whether a service's output has a field that an input asks for by its name. */
export function givesSurely(service: Service, input: string, schema: SchemaNode): boolean {
  for (const [field, given] of propertiesOf(service.output))
    if (mayFeed(given, schema) && nameFit({ name: input, schema }, { name: field, schema: given, owner: service.name }) >= surelyFits) return true
  return false
}

/** Everything of a fitting type, best name first; of equal ones what was made last. */
export function sourcesOf(question: { input: string; schema: SchemaNode; data: JsonObject; before: readonly Step[] }): Source[] {
  const { input, schema, data, before } = question
  const sources: (Source & { order: number })[] = []
  for (const [field, value] of Object.entries(data)) {
    if (whyNotValue(value, schema) !== undefined) continue
    sources.push({ reference: toReference(taskZeroId, field), fit: nameFit({ name: input, schema }, { name: field }), order: -1 })
  }
  for (const [order, { id, service }] of before.entries()) {
    for (const [field, given] of propertiesOf(service.output)) {
      if (!mayFeed(given, schema)) continue
      sources.push({
        reference: toReference(id, field),
        fit: nameFit({ name: input, schema }, { name: field, schema: given, owner: service.name }),
        order
      })
    }
  }
  return sources.sort((a, b) => b.fit - a.fit || b.order - a.order).map(({ reference, fit }) => ({ reference, fit }))
}
