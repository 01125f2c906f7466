import type { Json, Plan } from '#contracts/plan.ts'
import { producerOf } from './check-rule.ts'
import { createPddlNames, parameterType, toPddlName } from './pddl-names.ts'

/** A plan as planning tools read it. */
export type PddlText = { domain: string; problem: string }

type Parameter = { field: string; name: string; type: string; value: Json }
type Step = { name: string; after: string[] }

/**
 * A plan as PDDL, for tools that check or draw plans. Plain STRIPS with types: a task becomes ready when those it depends on are complete, which an
 * action for each number of dependencies says without quantifiers. Whatever the values are, the text is valid: they become names. Undefined where no
 * grounding applied: there is no domain to speak of.
 */
export function toPddl(options: { projectId: string; domain: string | undefined; plan: Plan }): PddlText | undefined {
  const { projectId, domain, plan } = options
  if (domain === undefined) return undefined
  const parameters = parametersOf(plan)
  const steps = stepsOf(plan)
  return { domain: domainText(domain, parameters, steps), problem: problemText(domain, projectId, parameters, steps) }
}

function parametersOf({ taskZero }: Plan): Parameter[] {
  const names = createPddlNames()
  // `?s` is the service.
  names.name('', 's')
  return Object.entries(taskZero)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([field, value]) => ({ field, name: names.name(field, field), type: toPddlName(parameterType(field)), value }))
}

function stepsOf({ tasks }: Plan): Step[] {
  const names = createPddlNames()
  const nameOf = (id: string) => names.name(id, id)
  return tasks.map(({ id, input }) => ({ name: nameOf(id), after: [...new Set(Object.values(input).flatMap(producerOf))].map(nameOf) }))
}

function domainText(domain: string, parameters: Parameter[], steps: Step[]): string {
  const types = ['service', ...new Set(parameters.map(({ type }) => type))]
  const numbers = [...new Set(steps.map(({ after }) => after.length))].filter((number) => number > 0).sort((one, other) => one - other)
  return lines(
    `(define (domain ${toPddlName(domain)})`,
    '  (:requirements :strips :typing)',
    '  (:types',
    ...types.map((type) => `    ${type} - object`),
    '  )',
    '  (:predicates',
    ...['validated', 'active', 'ready', 'complete'].map((state) => `    (service-${state} ?s - service)`),
    '    (depends-on ?s - service ?d - service)',
    ...numbers.map((number) => `    (waits-for-${number} ?s - service ${typed(number)})`),
    ...parameters.map(({ name, type }) => `    (valid-${name} ?${name} - ${type})`),
    '  )',
    '  (:action execute-service',
    `    :parameters (${['?s - service', ...parameters.map(({ name, type }) => `?${name} - ${type}`)].join(' ')})`,
    `    :precondition (and (service-validated ?s) (service-active ?s) (service-ready ?s)${parameters.map(({ name }) => ` (valid-${name} ?${name})`).join('')})`,
    '    :effect (and (service-complete ?s) (not (service-active ?s)))',
    '  )',
    ...numbers.flatMap(releaseAction),
    ')'
  )
}

function releaseAction(number: number): string[] {
  const complete = range(number).map((index) => `(service-complete ?d${index})`)
  return [
    `  (:action release-after-${number}`,
    `    :parameters (?s - service ${typed(number)})`,
    `    :precondition (and (waits-for-${number} ?s ${variables(number)}) ${complete.join(' ')})`,
    '    :effect (and (service-ready ?s))',
    '  )'
  ]
}

function problemText(domain: string, projectId: string, parameters: Parameter[], steps: Step[]): string {
  const names = createPddlNames()
  for (const { name } of steps) names.name(`task ${name}`, name)
  const objects = new Map<string, string>()
  const facts = parameters.map(({ field, name, type, value }) => {
    const object = names.name(`${type} ${objectKey(field, value)}`, objectText(field, value))
    objects.set(object, type)
    return `    (valid-${name} ${object})`
  })
  return lines(
    `(define (problem ${toPddlName(`p-${projectId}`)})`,
    `  (:domain ${toPddlName(domain)})`,
    '  (:objects',
    ...steps.map(({ name }) => `    ${name} - service`),
    ...[...objects].map(([object, type]) => `    ${object} - ${type}`),
    '  )',
    '  (:init',
    ...steps.flatMap(({ name, after }) => [
      `    (service-validated ${name})`,
      `    (service-active ${name})`,
      after.length === 0 ? `    (service-ready ${name})` : `    (waits-for-${after.length} ${name} ${after.join(' ')})`,
      ...after.map((other) => `    (depends-on ${name} ${other})`)
    ]),
    ...facts,
    '  )',
    '  (:goal (and',
    ...steps.map(({ name }) => `    (service-complete ${name})`),
    '  ))',
    ')'
  )
}

/** Texts and numbers are named after themselves. What cannot be said in a name (truth values, lists, objects) is an object that stands for it. */
function objectText(field: string, value: Json): string {
  if (typeof value === 'string') return value.replace(/[- ]/g, '_')
  return typeof value === 'number' ? `n${String(value).replaceAll('-', '_')}` : `${field}_given`
}

function objectKey(field: string, value: Json): string {
  return typeof value === 'string' || typeof value === 'number' ? `${typeof value} ${value}` : `field ${field}`
}

function typed(number: number): string {
  return range(number)
    .map((index) => `?d${index} - service`)
    .join(' ')
}

function variables(number: number): string {
  return range(number)
    .map((index) => `?d${index}`)
    .join(' ')
}

function range(number: number): number[] {
  return Array.from({ length: number }, (_, index) => index + 1)
}

function lines(...all: string[]): string {
  return `${all.join('\n')}\n`
}
