import type { JsonObject, SchemaNode, Service } from '#contracts/plan.ts'
import { constantForm } from './constant-form.ts'
import type { Finding } from './finding.ts'
import { isIdentifier } from './names.ts'
import { isRequired, propertiesOf, typeName } from './service-schema.ts'
import { givesSurely, maybeFits, type Step, sourcesOf, surelyFits } from './wiring.ts'

/** Tasks a plan may have at most. */
export const mostSteps = 24

/**
 * Puts chosen services into an order in which each finds what it needs. A service that was not chosen is added where it is the only one that gives what a chosen one
 * cannot do without: no plan with that one could lack it. Findings: what is needed and given by nobody, or by several between which somebody has to choose.
 */
export function completeSteps(question: {
  chosen: readonly Service[]
  data: JsonObject
  action: string
  services: readonly Service[]
  /** Present: the first of these that gives what is needed is taken where there are several. */
  preferred?: readonly Service[] | undefined
}): { steps: Step[]; findings: Finding[] } {
  const { data, action, services } = question
  const steps: Step[] = []
  const findings: Finding[] = []
  const waiting = withoutIdleRepeats(question.chosen, data, action)

  while (waiting.length > 0 && steps.length < mostSteps) {
    const next = waiting.shift()
    if (next !== undefined) place(next, [])
  }
  return { steps, findings }

  function place(service: Service, forWhom: readonly Service[]): void {
    if (steps.length >= mostSteps) return
    const missing: Finding[] = []
    for (const [input, schema] of propertiesOf(service.input)) {
      if (!isRequired(service.input, input) || isSurelyGiven(input, schema)) continue
      const path = [...forWhom, service]
      const givers = services.filter((giver) => !path.includes(giver) && givesSurely(giver, input, schema))
      const chosen = givers.filter((giver) => waiting.includes(giver))
      const giver = chosen[0] ?? (isGiven(input, schema) ? undefined : onlyOf(givers))
      if (giver !== undefined) {
        if (chosen.length > 0) waiting.splice(waiting.indexOf(giver), 1)
        place(giver, path)
      }
      if (isGiven(input, schema)) continue
      missing.push({
        kind: 'no_source',
        task: `task${steps.length + 1}`,
        service: service.id,
        input,
        type: typeName(schema),
        givers: givers.map(({ id }) => id)
      })
    }
    findings.push(...missing)
    steps.push({ id: `task${steps.length + 1}`, service })
  }

  function onlyOf(givers: readonly Service[]): Service | undefined {
    if (givers.length === 1) return givers[0]
    return question.preferred?.find((service) => givers.includes(service))
  }

  function isSurelyGiven(input: string, schema: SchemaNode): boolean {
    return sourcesOf({ input, schema, data, before: steps }).some(({ fit }) => fit >= surelyFits)
  }

  function isGiven(input: string, schema: SchemaNode): boolean {
    const sources = sourcesOf({ input, schema, data, before: steps })
    if (constantForm(input, schema, action) !== undefined) return true
    if (!isIdentifier(input, schema)) return sources.length > 0
    if (sources.some(({ fit }) => fit >= maybeFits)) return true
    return sources.length > 0 && !services.some((service) => givesSurely(service, input, schema))
  }
}

/** A service is used again only where something else could be given to it: two products, say, in the data or in the action. */
function withoutIdleRepeats(chosen: readonly Service[], data: JsonObject, action: string): Service[] {
  const counts = new Map<Service, number>()
  return chosen.filter((service) => {
    const count = (counts.get(service) ?? 0) + 1
    counts.set(service, count)
    return count === 1 || count <= usefulTimes(service, data, action, chosen)
  })
}

function usefulTimes(service: Service, data: JsonObject, action: string, chosen: readonly Service[]): number {
  const givers = [...new Set(chosen)].filter((one) => one !== service).map((one, index): Step => ({ id: `task${index + 1}`, service: one }))
  const ways = [...propertiesOf(service.input)].map(([input, schema]) => {
    const sources = sourcesOf({ input, schema, data, before: givers }).filter(({ fit }) => fit >= maybeFits)
    const form = constantForm(input, schema, action)
    const constants = form?.named === true && Array.isArray(form.schema['enum']) ? form.schema['enum'].length : 0
    return sources.length + constants
  })
  return Math.max(1, ...ways)
}
