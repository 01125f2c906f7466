import type { Json, Plan, Service } from '#contracts/plan.ts'
import { toDataObject } from './action-data.ts'
import { refuse, reviewed } from './attempt.ts'
import { buildDraft } from './build-draft.ts'
import { completeSteps, timesInData } from './complete-steps.ts'
import type { OpenInput } from './plan-schema.ts'
import type { Planner, PlanningOutcome, PlanningRequest } from './planner.ts'
import { relate } from './relevance.ts'
import { propertiesOf, takesAnything } from './service-schema.ts'
import { validatePlan } from './validate-plan.ts'
import { type Choice, wireSteps } from './wiring.ts'

/**
 * Plans without a model: services whose words the action uses, and inputs by types and names. The same request always gives the same plan. For tests and benchmarks, and
 * for who asks for it; it understands nothing.
 */
export function createDeterministicPlanner(): Planner {
  return {
    async plan(request, signal) {
      const outcome = await reviewed(planByWords(request), request, 0, signal)
      return outcome.type === 'invalid' ? toFailure(outcome) : outcome
    }
  }
}

function planByWords(request: PlanningRequest): PlanningOutcome {
  const { action, services } = request
  const data = toDataObject(request.data)
  const about = { services, data: request.data, failedAttempts: 0 }
  const { ranked, likely } = relate(request)
  const chosen = likely.length === 0 ? onlyService(services) : likely
  if (chosen.length === 0) return { type: 'not-actionable', reason: 'no service has enough words in common with the action' }

  // What works on results comes after what may give some.
  const inOrder = chosen.toSorted((one, other) => Number(worksOnResults(one)) - Number(worksOnResults(other)))
  const repeated = inOrder.flatMap((service) => Array.from({ length: timesInData(service, data) }, () => service))
  const preferred = ranked.map(({ service }) => service)
  const { steps, findings } = completeSteps({ chosen: repeated, data, action, services, preferred, eager: true })
  if (findings.length > 0) return toFailure(refuse(findings, about))
  const decisions = wireSteps({ steps, data, action, services, mayInvent: false })
  const taken = new Set<string>()
  const draft = buildDraft({ steps, data, decisions, choiceOf: (decision) => firstChoice(decision, taken) })
  const outcome = validatePlan({ draft, ...about })
  if (outcome.type === 'invalid') return toFailure(outcome)
  return outcome.type === 'valid' ? { type: 'planned', plan: outcome.plan satisfies Plan } : outcome
}

function worksOnResults(service: Service): boolean {
  return [...propertiesOf(service.input).values()].some(takesAnything)
}

function onlyService(services: readonly Service[]): Service[] {
  return services.length === 1 ? [...services] : []
}

function toFailure({ messages, diagnosis }: Pick<ReturnType<typeof refuse>, 'messages' | 'diagnosis'>): PlanningOutcome {
  return { type: 'failed', message: messages.join('; '), diagnosis }
}

/** The best source; of constants the first one that no other input of the task has. */
function firstChoice({ task, choices, constant, optional, schema }: OpenInput, taken: Set<string>): Choice | undefined {
  const [reference] = choices
  if (reference !== undefined && constant?.named !== true) return { type: 'reference', reference }
  if (constant === undefined || optional) return undefined
  const named = constant.schema['enum']
  // What a form names are values of the schema or of the action: JSON.
  const values = Array.isArray(named) ? (named as Json[]) : [sampleOf(constant.schema, schema.default)]
  const value = values.find((one) => !taken.has(`${task} ${JSON.stringify(one)}`)) ?? values[0] ?? null
  taken.add(`${task} ${JSON.stringify(value)}`)
  return { type: 'constant', value }
}

/** Some value of a constant's form. */
function sampleOf(form: Record<string, unknown>, usual?: Json): Json {
  if (usual !== undefined) return usual
  if (Array.isArray(form['enum'])) return form['enum'][0] as Json
  switch (form['type']) {
    case 'boolean':
      return true
    case 'integer':
    case 'number':
      return Number(form['minimum'] ?? form['maximum'] ?? 1)
    case 'array':
      return [sampleOf(form['items'] as Record<string, unknown>)]
    case 'object': {
      const properties = form['properties'] as Record<string, Record<string, unknown>>
      return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, sampleOf(property)]))
    }
    default:
      return ''
  }
}
