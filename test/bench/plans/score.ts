import type { Json, Plan } from '#contracts/plan.ts'
import type { PlanningOutcome } from '../../../server/plans/planning/planner.ts'
import type { BenchAction, ExpectedPlan, Source } from './catalogue.ts'

/** `references`: undefined for an action that no service can do. `wrong`: what is not as expected, in words. */
export type PlanScore = { valid: boolean; services: boolean; references: boolean | undefined; wrong: string[] }

/** Holds the end of a planning against what was expected. `nameOf`: a service's name by its id. */
export function scorePlan({ data, expected }: BenchAction, outcome: PlanningOutcome, nameOf: (serviceId: string) => string): PlanScore {
  const valid = outcome.type !== 'failed'
  if (expected === 'impossible') {
    const isRight = outcome.type === 'not-actionable'
    return { valid, services: isRight, references: undefined, wrong: isRight ? [] : ['no service can do this'] }
  }
  if (outcome.type !== 'planned') return { valid, services: false, references: false, wrong: [`there is no plan: ${outcome.type}`] }
  const wrongServices = compareServices(
    outcome.plan.tasks.map(({ service }) => nameOf(service)),
    expected
  )
  const wrongReferences = compareReferences(outcome.plan, data, expected, nameOf)
  return { valid, services: wrongServices.length === 0, references: wrongReferences.length === 0, wrong: [...wrongServices, ...wrongReferences] }
}

function compareServices(names: string[], { services, optional = [] }: ExpectedPlan): string[] {
  const needs = services.map((one) => (typeof one === 'string' ? [one] : one))
  if (isCovered(needs, names, optional)) return []
  const missing = needs.filter((options) => !options.some((name) => names.includes(name))).map((one) => `${one.join(' or ')} is missing`)
  const known = new Set([...needs.flat(), ...optional])
  const strange = names.filter((name) => !known.has(name)).map((name) => `${name} has no business here`)
  return missing.length + strange.length > 0 ? [...missing, ...strange] : ['a service is there too often or too seldom']
}

/** Whether every need takes another of the names, and only optional ones are left then. */
function isCovered([need, ...others]: string[][], names: string[], optional: string[]): boolean {
  if (need === undefined) return names.every((name) => optional.includes(name))
  return need.some((name) => {
    const at = names.indexOf(name)
    return at !== -1 && isCovered(others, names.toSpliced(at, 1), optional)
  })
}

function compareReferences(plan: Plan, data: Record<string, Json>, expected: ExpectedPlan, nameOf: (serviceId: string) => string): string[] {
  const nameOfTask = new Map(plan.tasks.map(({ id, service }) => [id, nameOf(service)]))
  const given = plan.tasks.flatMap((task) => {
    const name = nameOf(task.service)
    return Object.entries(task.input).map(([input, reference]) => ({ input: `${name}.${input}`, task: task.id, reference }))
  })
  const pairs = Array.isArray(expected.references) ? expected.references : Object.entries(expected.references)
  const wrong = pairs
    .filter(([input, sources]) => !given.some((one) => one.input === input && sources.some((source) => isFrom(one.reference, source))))
    .map(([input, sources]) => `${input} does not come from ${sources.map(toWords).join(' or ')}`)
  const together = (expected.apart ?? [])
    .filter(([input, other]) =>
      given.some((one) => given.some((two) => one.input === input && two.input === other && one.task === two.task && one.reference === two.reference))
    )
    .map(([input, other]) => `${input} and ${other} come from the same task`)
  return [...wrong, ...together]

  function isFrom(reference: string, source: Source): boolean {
    const [, task, field] = /^\$([^.]+)\.(.+)$/s.exec(reference) ?? []
    if (task === undefined || field === undefined) return false
    if (task !== 'task0') return source === `${nameOfTask.get(task)}.${field}`
    if (Object.hasOwn(data, field)) return source === `data.${field}`
    return typeof source === 'object' && isSame(plan.taskZero[field], source.constant)
  }
}

function isSame(value: Json | undefined, wanted: Json): boolean {
  return toText(value) === toText(wanted)
}

const toText = (value: Json | undefined) => (typeof value === 'string' ? value.trim().toLowerCase() : JSON.stringify(value))

const toWords = (source: Source) => (typeof source === 'string' ? source : `the constant ${JSON.stringify(source.constant)}`)
