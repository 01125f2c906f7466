import { z } from 'zod'
import { Json, type Service } from '#contracts/plan.ts'
import { toDataObject } from './action-data.ts'
import { findJsonText, toObject } from './answer-text.ts'
import { type AttemptOutcome, type AttemptQuestion, refuse } from './attempt.ts'
import { buildDraft, type Choice } from './build-draft.ts'
import { completeSteps, timesInData } from './complete-steps.ts'
import type { Finding } from './finding.ts'
import { wordProblem } from './finding-words.ts'
import type { Answered } from './model-call.ts'
import { eachServiceSchema, inputsSchema, type OpenInput, servicesSchema } from './plan-schema.ts'
import { answerTokens } from './planning-budget.ts'
import { eachServiceQuestion, inputsQuestion, phasesContext, phasesSystem, servicesQuestion } from './prompt.ts'
import { labelServices } from './service-labels.ts'
import { findUsable } from './usable-services.ts'
import { validatePlan } from './validate-plan.ts'
import { type Step, wireSteps } from './wiring.ts'

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
  const { usable, findings: unusable } = findUsable(question.services, data, request.action)
  if (usable.length === 0) return refuse(unusable, about)

  const { likely, ranked } = question.relevance
  if (question.isSmall && likely.length === 0) return { type: 'not-actionable', reason: 'none of the services seems to have to do with it' }
  const labels = labelServices(usable)
  const context = phasesContext(request, labels, hintsOf(question, labels))
  const offered = [...labels].flatMap(([label, service]) => (!question.isSmall || likely.includes(service) ? [label] : []))
  const answer = await ask({
    phase: 'services',
    system: phasesSystem,
    user: `${context}${question.isSmall ? eachServiceQuestion(offered, feedback) : servicesQuestion(feedback)}`,
    schema: question.isSmall ? eachServiceSchema(offered) : servicesSchema(offered),
    maxTokens: answerTokens.services
  })
  const chosen = question.isSmall ? readEachService(answer, labels) : readServices(answer, labels)
  if ('kind' in chosen) return refuseAnswer(answer, [chosen])
  if ('impossible' in chosen) {
    answer.note([])
    const lacking = unusable.map((finding) => wordProblem(finding, request.services))
    return { type: 'not-actionable', reason: [chosen.impossible, ...lacking].join('; ') }
  }
  const { steps, findings } = completeSteps({
    chosen: question.isSmall
      ? chosen.services.flatMap((service) => Array.from({ length: timesInData(service, data) }, () => service))
      : chosen.services,
    data,
    action: request.action,
    services: usable,
    preferred: question.isLast || question.isSmall ? ranked.map(({ service }) => service) : undefined,
    eager: question.isSmall
  })
  if (findings.length > 0) return refuseAnswer(answer, findings)
  answer.note([])
  return await wire(steps)

  async function wire(steps: readonly Step[]): Promise<AttemptOutcome> {
    const decisions = wireSteps({ steps, data, action: request.action, services: usable })
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

  function refuseAnswer(answer: Answered, findings: readonly Finding[]): AttemptOutcome {
    const outcome = refuse(findings, about)
    answer.note(outcome.messages)
    return outcome
  }
}

function hintsOf({ relevance }: AttemptQuestion, labels: ReadonlyMap<string, Service>): string[] {
  const labelOf = new Map([...labels].map(([label, service]) => [service, label]))
  return relevance.likely.flatMap((service) => labelOf.get(service) ?? []).slice(0, mostHints)
}

const ServicesAnswer = z.object({ services: z.array(z.string()), missing: z.string().optional() })

function readServices(answer: Answered, labels: ReadonlyMap<string, Service>): { services: Service[] } | { impossible: string } | Finding {
  const parsed = ServicesAnswer.safeParse(toObject(findJsonText(answer.text) ?? ''))
  if (!parsed.success) return unreadable(answer)
  if (parsed.data.services.length === 0) return { impossible: parsed.data.missing ?? '' }
  const services: Service[] = []
  for (const [index, label] of parsed.data.services.entries()) {
    const service = labels.get(label)
    if (service === undefined) return { kind: 'unknown_service', task: `task${index + 1}`, service: label, known: [...labels.keys()] }
    services.push(service)
  }
  return { services }
}

const EachServiceAnswer = z.object({ needed: z.record(z.string(), z.boolean()) })

/** A model that wants nothing of what is likely has not understood: then all of it is taken. */
function readEachService(answer: Answered, labels: ReadonlyMap<string, Service>): { services: Service[] } | Finding {
  const parsed = EachServiceAnswer.safeParse(toObject(findJsonText(answer.text) ?? ''))
  if (!parsed.success) return unreadable(answer)
  const entries = Object.entries(parsed.data.needed).flatMap(([label, needed]) => {
    const service = labels.get(label)
    return service === undefined ? [] : [{ service, needed }]
  })
  const needed = entries.filter((entry) => entry.needed)
  return { services: (needed.length > 0 ? needed : entries).map(({ service }) => service) }
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
