import type { JsonObject, SchemaNode, Service } from '#contracts/plan.ts'
import { constantForm } from './constant-form.ts'
import type { Finding } from './finding.ts'
import { isIdentifier } from './names.ts'
import { isRequired, propertiesOf, typeName } from './service-schema.ts'
import { fitOfOutput, givesSurely, maybeFits, type Step, sourcesOf, surelyFits } from './sources.ts'

export type CompletionQuestion = {
  chosen: readonly Service[]
  data: JsonObject
  action: string
  services: readonly Service[]
  /** Best first. Present: the first of these that gives what is needed is taken where there are several. */
  preferred?: readonly Service[] | undefined
  /** Adds services also for what could be a constant that somebody would have to make up: for who cannot. */
  eager?: boolean
}

/**
 * Puts chosen services into an order in which each finds what it needs. A service that was not chosen is added where it is the only one that gives what a chosen one
 * cannot do without: no plan with that one could lack it. Findings: what is needed and given by nobody, or by several between which somebody has to choose.
 */
export function completeSteps(question: CompletionQuestion): { steps: Step[]; findings: Finding[] } {
  const { data, action, services, preferred, eager = false } = question
  const steps: Step[] = []
  const findings: Finding[] = []
  const waiting = withoutIdleRepeats(question.chosen, data, action)

  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) place(next, [])
  return { steps, findings }

  function place(service: Service, forWhom: readonly Service[]): void {
    const path = [...forWhom, service]
    const missing: Finding[] = []
    for (const [input, schema] of propertiesOf(service.input)) {
      if (!isRequired(service.input, input) || fitOfBest(service, input, schema) >= surelyFits) continue
      const others = services.filter((giver) => !path.includes(giver))
      const givers = others.filter((giver) => givesSurely(giver, input, schema))
      const giver = givers.find((one) => waiting.includes(one)) ?? addedFor(service, input, schema, givers, others)
      if (giver !== undefined) {
        if (waiting.includes(giver)) waiting.splice(waiting.indexOf(giver), 1)
        place(giver, path)
      }
      if (isGiven(service, input, schema)) continue
      const names = givers.map(({ id }) => id)
      missing.push({ kind: 'no_source', task: `task${steps.length + 1}`, service: service.id, input, type: typeName(schema), givers: names })
    }
    findings.push(...missing)
    steps.push({ id: `task${steps.length + 1}`, service })
  }

  function addedFor(
    service: Service,
    input: string,
    schema: SchemaNode,
    givers: readonly Service[],
    others: readonly Service[]
  ): Service | undefined {
    if (!isGiven(service, input, schema)) {
      if (givers.length === 1) return givers[0]
      const found = preferred === undefined ? undefined : givers.find(isReady)
      if (found !== undefined) return found
      if (givers.length > 0) return preferred?.find((one) => givers.includes(one))
    }
    if (!eager || fitOfBest(service, input, schema) >= maybeFits || isStated(input, schema)) return undefined
    // A service that could run now, of the best name: what it gives is more than what somebody makes up.
    return others
      .map((giver) => ({ giver, fit: fitOfOutput(giver, input, schema) }))
      .filter(({ giver, fit }) => fit > 0 && (isReady(giver) || waiting.includes(giver)))
      .sort((a, b) => Number(waiting.includes(b.giver)) - Number(waiting.includes(a.giver)) || b.fit - a.fit)[0]?.giver
  }

  /** Whether everything it cannot do without is there. */
  function isReady(service: Service): boolean {
    return [...propertiesOf(service.input)].every(
      ([input, schema]) => !isRequired(service.input, input) || fitOfBest(service, input, schema) >= maybeFits || isStated(input, schema)
    )
  }

  function isStated(input: string, schema: SchemaNode): boolean {
    return constantForm(input, schema, action, { mayInvent: false })?.named === true
  }

  function fitOfBest(service: Service, input: string, schema: SchemaNode): number {
    return sourcesOf({ service, input, schema, data, before: steps })[0]?.fit ?? 0
  }

  function isGiven(service: Service, input: string, schema: SchemaNode): boolean {
    if (constantForm(input, schema, action, { mayInvent: !eager }) !== undefined) return true
    const sources = sourcesOf({ service, input, schema, data, before: steps })
    if (!isIdentifier(input, schema)) return sources.length > 0
    if (sources.some(({ fit }) => fit >= maybeFits)) return true
    return sources.length > 0 && !services.some((giver) => givesSurely(giver, input, schema))
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
    const sources = sourcesOf({ service, input, schema, data, before: givers }).filter(({ fit }) => fit >= maybeFits)
    const form = constantForm(input, schema, action)
    const constants = form?.named === true && Array.isArray(form.schema['enum']) ? form.schema['enum'].length : 0
    return sources.length + constants
  })
  return Math.max(1, ...ways)
}

/** How often the data has something for a service, where it has several things for one of its inputs that go by names alike: two cities for `city`. */
export function timesInData(service: Service, data: JsonObject): number {
  const counts = [...propertiesOf(service.input)].map(([input, schema]) => {
    const sources = sourcesOf({ service, input, schema, data, before: [] })
    const best = sources[0]?.fit ?? 0
    return best < maybeFits || best >= surelyFits || !isRequired(service.input, input) ? 1 : sources.filter(({ fit }) => fit === best).length
  })
  return Math.max(1, ...counts)
}
