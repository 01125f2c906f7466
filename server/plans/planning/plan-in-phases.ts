import { z } from 'zod'
import { Json, type JsonObject, type Service } from '#contracts/plan.ts'
import { toDataObject } from './action-data.ts'
import { findJsonText, toObject } from './answer-text.ts'
import { type AttemptOutcome, type AttemptQuestion, refuse } from './attempt.ts'
import { buildDraft } from './build-draft.ts'
import { completeSteps, timesInData } from './complete-steps.ts'
import type { Finding } from './finding.ts'
import { wordProblem } from './finding-words.ts'
import type { Answered } from './model-call.ts'
import { inputsSchema, type OpenInput, servicesSchema } from './plan-schema.ts'
import { answerTokens } from './planning-budget.ts'
import { inputsQuestion, phasesContext, phasesSystem, servicesQuestion } from './prompt.ts'
import { labelServices } from './service-labels.ts'
import type { Step } from './sources.ts'
import { findUsable } from './usable-services.ts'
import { validatePlan } from './validate-plan.ts'
import { type Choice, wireSteps } from './wiring.ts'

/** So many services are named to the model as likely ones. */
const mostHints = 6

/**
 * One attempt in two calls of a model that is held to grammars: which services, then what their inputs are given. The model sees names and types of the data and no
 * value of it, and can only write what is a service, a source that is there, or a constant; so what it writes is a valid plan. What only one source can be meant for
 * is not asked, and where nothing is left to ask there is no second call.
 */
export async function planInPhases(question: AttemptQuestion): Promise<AttemptOutcome> {
  const { request, ask, failedAttempts, feedback } = question
  const about = { services: request.services, data: request.data, failedAttempts }
  const data = toDataObject(request.data)
  const { usable, findings: unusable } = findUsable(question.services, data, request.action, { mayInvent: !question.isSmall })
  if (usable.length === 0) return refuse(unusable, about)

  const labels = labelServices(usable)
  const context = phasesContext(request, labels, hintsOf(question, labels))
  const chosen = question.isSmall ? chooseByWords(question, usable, data) : await chooseByModel()
  if (!('services' in chosen)) return chosen
  const { steps, findings } = completeSteps({
    chosen: chosen.services,
    data,
    action: request.action,
    services: usable,
    preferred: question.isLast || question.isSmall ? question.relevance.ranked.map(({ service }) => service) : undefined,
    eager: question.isSmall
  })
  if (findings.length > 0) return refuseAnswer(chosen.answer, findings)
  chosen.answer?.note([])
  return await wire(steps)

  async function chooseByModel(): Promise<AttemptOutcome | Chosen> {
    const answer = await ask({
      phase: 'services',
      system: phasesSystem,
      user: `${context}${servicesQuestion(feedback)}`,
      schema: servicesSchema([...labels.keys()]),
      maxTokens: answerTokens.services
    })
    const read = readServices(answer, labels)
    if ('kind' in read) return refuseAnswer(answer, [read])
    if ('services' in read) return { services: read.services, answer }
    answer.note([])
    const lacking = unusable.map((finding) => wordProblem(finding, request.services))
    return { type: 'not-actionable', reason: [read.impossible, ...lacking].join('; ') }
  }

  async function wire(steps: readonly Step[]): Promise<AttemptOutcome> {
    const decisions = wireSteps({ steps, data, action: request.action, services: usable, mayInvent: !question.isSmall })
    const open = decisions.filter((decision): decision is OpenInput => decision.type === 'open')
    if (open.length === 0) return check(undefined, new Map())
    const constants = open.filter(({ constant }) => constant !== undefined).length
    const answer = await ask({
      phase: 'inputs',
      system: phasesSystem,
      user: `${context}${inputsQuestion(steps, open, labels, feedback)}`,
      schema: inputsSchema(open),
      maxTokens: answerTokens.inputs(open.length, constants)
    })
    const choices = readInputs(answer, open)
    return 'kind' in choices ? refuseAnswer(answer, [choices]) : check(answer, choices)

    function check(asked: Answered | undefined, choices: ReadonlyMap<OpenInput, Choice>): AttemptOutcome {
      const draft = buildDraft({ steps, data, decisions, choiceOf: (decision) => choices.get(decision) })
      const outcome = validatePlan({ draft, ...about })
      asked?.note(outcome.type === 'invalid' ? outcome.messages : [])
      return outcome.type === 'valid' ? { type: 'planned', plan: outcome.plan } : outcome
    }
  }

  function refuseAnswer(answer: Answered | undefined, findings: readonly Finding[]): AttemptOutcome {
    const outcome = refuse(findings, about)
    answer?.note(outcome.messages)
    return outcome
  }
}

/** `answer`: what the model said, unless it was not asked. */
type Chosen = { services: Service[]; answer?: Answered }

/**
 * For a model too small to choose: asked for each service whether the action needs it, SmolLM2-135M was right in 4 of the 15 cases in which it said no, while the words of
 * action and services alone had been right. It still says where inputs come from.
 */
function chooseByWords({ relevance }: AttemptQuestion, usable: readonly Service[], data: JsonObject): AttemptOutcome | Chosen {
  const services = relevance.likely.filter((service) => usable.includes(service))
  if (services.length === 0) return { type: 'not-actionable', reason: 'none of the services seems to have to do with what is asked for' }
  return { services: services.flatMap((service) => Array.from({ length: timesInData(service, data) }, () => service)) }
}

function hintsOf({ relevance }: AttemptQuestion, labels: ReadonlyMap<string, Service>): string[] {
  const labelOf = new Map([...labels].map(([label, service]) => [service, label]))
  return relevance.likely.flatMap((service) => labelOf.get(service) ?? []).slice(0, mostHints)
}

/** A model that refuses and says nothing. */
const unexplained = 'the model says that the services cannot do this, and not why'

const ServicesAnswer = z.object({ services: z.array(z.string()), missing: z.string().optional() })

function readServices(answer: Answered, labels: ReadonlyMap<string, Service>): { services: Service[] } | { impossible: string } | Finding {
  const parsed = ServicesAnswer.safeParse(toObject(findJsonText(answer.text) ?? ''))
  if (!parsed.success) return unreadable(answer)
  if (parsed.data.services.length === 0) return { impossible: parsed.data.missing?.trim() || unexplained }
  const services: Service[] = []
  for (const [index, label] of parsed.data.services.entries()) {
    const service = labels.get(label)
    if (service === undefined) return { kind: 'unknown_service', task: `task${index + 1}`, service: label, known: [...labels.keys()] }
    services.push(service)
  }
  return { services }
}

const InputsAnswer = z.record(z.string(), z.record(z.string(), z.union([z.string(), z.object({ constant: Json })])))

/** What is not among the choices is not taken, whatever enforced the schema. */
function readInputs(answer: Answered, open: readonly OpenInput[]): Map<OpenInput, Choice> | Finding {
  const parsed = InputsAnswer.safeParse(toObject(findJsonText(answer.text) ?? ''))
  if (!parsed.success) return unreadable(answer)
  const choices = new Map<OpenInput, Choice>()
  for (const decision of open) {
    const value = parsed.data[decision.task]?.[decision.input]
    if (value === undefined) continue
    if (typeof value === 'string') {
      if (!decision.choices.includes(value)) return { kind: 'malformed_reference', task: decision.task, input: decision.input, value }
      choices.set(decision, { type: 'reference', reference: value })
    } else if (decision.constant !== undefined) choices.set(decision, { type: 'constant', value: value.constant })
  }
  return choices
}

function unreadable({ finishReason, completionTokens }: Answered): Finding {
  const problem = finishReason === 'length' ? `it was cut off after ${completionTokens} tokens` : 'it is not of the form that was asked for'
  return { kind: 'unreadable', problem }
}
