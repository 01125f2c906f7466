import type { Plan, Service } from '#contracts/plan.ts'
import type { OpenInput } from './plan-schema.ts'
import type { GroundingHit, PlanningRequest } from './planner.ts'
import { describeField, describeService, quote } from './service-labels.ts'
import { schemaOfValue, typeName } from './service-schema.ts'
import type { Step } from './sources.ts'

/** What the same model is told in every planning of ours, so that its evaluation is kept. */
export const phasesSystem = `You plan work that services carry out. You choose the services that a request needs and no other, in the order in which they run: a service that takes what another one gives comes after it. If they have nothing to do with the request, the list is empty, and you say what is missing. Then you say where inputs come from.

Example:
Services:
"find-place": "Finds where a place is." takes name (string); gives position (string)
"forecast": "Forecasts the weather." takes position (string), day (string); gives weather (string)
"translate": "Translates a text." takes text (string), language (string); gives translation (string)
Request: "What will the weather be like on Sunday?"
Data: "town" (string)
Services that seem related: "find-place", "forecast"
Services that the request needs: {"services": ["find-place", "forecast"]}
Inputs: {"task1": {"name": "$task0.town"}, "task2": {"position": "$task1.position", "day": {"constant": "Sunday"}}}`

/** Everything up to the question, the same in both phases. `likely`: labels of services, the most related one first. */
export function phasesContext(request: PlanningRequest, labels: ReadonlyMap<string, Service>, likely: readonly string[]): string {
  return [
    'Services:',
    ...[...labels].map(([label, service]) => describeService(label, service)),
    '',
    ...groundingLines(request.grounding),
    ...exampleLines(request.example, labels),
    `Request: ${JSON.stringify(request.action)}`,
    `Data: ${dataLine(request)}`,
    ...(likely.length === 0 ? [] : [`Services that seem related: ${likely.map((label) => JSON.stringify(label)).join(', ')}`]),
    ''
  ].join('\n')
}

export function servicesQuestion(feedback: readonly string[]): string {
  return [...feedbackLines(feedback), 'Services that the request needs:'].join('\n')
}

export function inputsQuestion(
  steps: readonly Step[],
  open: readonly OpenInput[],
  labels: ReadonlyMap<string, Service>,
  feedback: readonly string[]
): string {
  const labelOf = new Map([...labels].map(([label, service]) => [service.id, label]))
  return [
    ...feedbackLines(feedback),
    'Chosen services:',
    ...steps.map(({ id, service }) => `${id} is ${JSON.stringify(labelOf.get(service.id) ?? service.id)}`),
    'Inputs:',
    ...open.map(({ task, input, schema, optional }) => `${task}: ${describeField(input, schema, !optional)}`)
  ].join('\n')
}

/** Says how a plan of the original's format is written, for models that are not held to a grammar. */
export const wholeSystem = `You plan work that services carry out, and answer with one plan as JSON in a \`\`\`json block, without comments.

A plan is {"tasks": [...], "parallel_groups": [["task1"], ...]}.
- The task "task0" has no service. Its "input" holds each name of the action's data with the value null, because the values are filled in later, and constants that the action states. There is exactly one task0.
- Every other task has an "id" (task1, task2, ...), the "service" id of exactly one of the services listed, copied exactly, and an "input" with the names that the service takes.
- Each value in such an "input" is one reference and nothing else: "$task0.name" or "$task1.field", where the field is one that the service of that task gives. Never add text to a reference, never put two into one value, and write no "output" between.
- Types must agree. Inputs marked with ? may be left out, all others must be there.
- A task may only use tasks before it. Tasks that do not need each other run at the same time; put them into one of the parallel groups.
- Never invent a service. If these services cannot do what is asked for, answer with task0 and one task {"id": "final", "input": {"error": "why"}}.

Example:
\`\`\`json
{"tasks":[{"id":"task0","input":{"city":null}},{"id":"task1","service":"s_geo","input":{"place":"$task0.city"}},{"id":"task2","service":"s_weather","input":{"position":"$task1.position"}}],"parallel_groups":[["task1"],["task2"]]}
\`\`\``

export function wholeQuestion(request: PlanningRequest, services: readonly Service[], feedback: readonly string[]): string {
  const byId = new Map(services.map((service) => [service.id, service]))
  return [
    'Services:',
    ...services.map((service) => `${describeService(service.id, service)} (${quote(service.name, 64)})`),
    '',
    ...groundingLines(request.grounding),
    ...exampleLines(request.example, byId),
    `Action: ${JSON.stringify(request.action)}`,
    `Data: ${dataLine(request)}`,
    '',
    ...feedbackLines(feedback),
    'Answer with the plan in a ```json block.'
  ].join('\n')
}

/** Names and types of the data; its values stay out of the prompt. */
function dataLine({ data }: PlanningRequest): string {
  if (data.length === 0) return 'none'
  return data
    .map(({ field, value }) => {
      const schema = schemaOfValue(value)
      return `${JSON.stringify(field)} (${schema === undefined ? 'null' : typeName(schema)})`
    })
    .join(', ')
}

function groundingLines(hit: GroundingHit | undefined): string[] {
  if (hit === undefined) return []
  const { grounding, useCase } = hit
  return [
    `What is known of this domain (${quote(grounding.domain, 64)}):`,
    `- Requests such as ${JSON.stringify(useCase.action)} mean: ${JSON.stringify(useCase.intent)}`,
    ...Object.entries(useCase.params).map(([name, value]) => `- For example ${JSON.stringify(name)} may be ${JSON.stringify(value)}`),
    `- They need: ${useCase.capabilities.map((capability) => JSON.stringify(capability)).join(', ')}`,
    ...grounding.constraints.map((constraint) => `- Rule: ${JSON.stringify(constraint)}`),
    ''
  ]
}

function exampleLines(example: { action: string; plan: Plan } | undefined, labels: ReadonlyMap<string, Service>): string[] {
  if (example === undefined) return []
  const labelOf = new Map([...labels].map(([label, service]) => [service.id, label]))
  const tasks = example.plan.tasks.flatMap(({ id, service, input }) => {
    const label = labelOf.get(service)
    return label === undefined ? [] : [{ id, service: label, input }]
  })
  // A plan of services that are not there any more teaches nothing.
  if (tasks.length < example.plan.tasks.length) return []
  return [`A similar request, ${JSON.stringify(example.action)}, was planned like this: ${JSON.stringify(tasks)}`, '']
}

function feedbackLines(feedback: readonly string[]): string[] {
  if (feedback.length === 0) return []
  return ['Earlier answers were wrong:', ...feedback.map((line) => `- ${line.replaceAll(/\s+/g, ' ')}`), '']
}
