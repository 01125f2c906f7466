import type { Json, JsonObject, SchemaNode, Service } from '#contracts/plan.ts'
import { taskZeroId, toReference } from '../protocol/reference.ts'
import { nameFit, wordsOf } from './names.ts'
import { mayFeed, propertiesOf, whyNotValue } from './service-schema.ts'
import { formatFit } from './value-format.ts'

/** A service's place in a plan. */
export type Step = { id: string; service: Service }

/** Something that may be given to an input. `fit`: how well its name says so, 0–1. */
export type Source = { reference: string; fit: number }

/** From here on a name says enough, and from there on something. */
export const surelyFits = 0.9
export const maybeFits = 0.4

/** Whether a service's output has a field that an input asks for by its name. */
export function givesSurely(service: Service, input: string, schema: SchemaNode): boolean {
  return fitOfOutput(service, input, schema) >= surelyFits
}

/** Of its type, and no more. */
const barelyFits = 0.1

/** How well the best field of a service's output fits an input; 0: none does, or none is of its type. */
export function fitOfOutput(service: Service, input: string, schema: SchemaNode): number {
  let best = 0
  for (const [field, given] of propertiesOf(service.output)) {
    if (mayFeed(given, schema))
      best = Math.max(best, nameFit({ name: input, schema }, { name: field, schema: given, owner: service.name }), barelyFits)
  }
  // What it gives may be called by what it is asked for: a sensor's `value` is a vibration where its description says so.
  const words = new Set(
    wordsOf(`${service.description} ${[...propertiesOf(service.input).values()].flatMap(({ enum: values }) => values ?? []).join(' ')}`)
  )
  return best === barelyFits && !wordsOf(input).some((word) => words.has(word)) ? 0 : best
}

/** Everything of a fitting type, best name first; of equal ones what was made last. */
export function sourcesOf(question: { service: Service; input: string; schema: SchemaNode; data: JsonObject; before: readonly Step[] }): Source[] {
  const { service, input, schema, data, before } = question
  const sources: (Source & { order: number })[] = []
  for (const [field, value] of Object.entries(data)) {
    const fit = fitOfData(field, value)
    if (whyNotValue(value, schema) !== undefined || (fit < maybeFits && (value === null || isForAnother(field)))) continue
    sources.push({ reference: toReference(taskZeroId, field), fit, order: before.length })
  }
  for (const [order, { id, service: giver }] of before.entries()) {
    for (const [field, given] of propertiesOf(giver.output)) {
      if (!mayFeed(given, schema)) continue
      sources.push({
        reference: toReference(id, field),
        fit: nameFit({ name: input, schema }, { name: field, schema: given, owner: giver.name }),
        order
      })
    }
  }
  // Data comes in the order in which it was sent.
  return sources.sort((a, b) => b.fit - a.fit || b.order - a.order).map(({ reference, fit }) => ({ reference, fit }))

  /** Data that is called like another input of the same service is meant for that one. */
  function isForAnother(field: string): boolean {
    return [...propertiesOf(service.input)].some(([name, other]) => name !== input && nameFit({ name, schema: other }, { name: field }) >= surelyFits)
  }

  /** The form of a value tells what its name may not: an address, a date. */
  function fitOfData(field: string, value: Json): number {
    const byName = nameFit({ name: input, schema }, { name: field })
    const byForm = formatFit(value, input, schema)
    if (byForm === 'same') return Math.max(byName, 0.6)
    return byForm === 'other' && byName < surelyFits ? byName * 0.5 : byName
  }
}
