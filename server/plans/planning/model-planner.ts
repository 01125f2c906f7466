import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { type AttemptOutcome, refuse, reviewed } from './attempt.ts'
import { createAsk } from './model-call.ts'
import { planInPhases } from './plan-in-phases.ts'
import { planWhole } from './plan-whole.ts'
import type { Embed, Planner, PlanningModel, PlanningOutcome, PlanningRequest } from './planner.ts'
import { mostAttempts, roomForServices } from './planning-budget.ts'
import { type Relevance, relate } from './relevance.ts'
import { describeServices } from './service-labels.ts'
import { createServiceVectors } from './service-vectors.ts'
import { shortlist } from './shortlist.ts'

/**
 * Plans with a language model, in up to three attempts, each told what was wrong with all before. There is no budget of time but the request's deadline. Throws what
 * the model throws, and the signal's reason; a plan that does not come out is no error here.
 */
export function createModelPlanner({ model, embed, log }: { model: PlanningModel; embed?: Embed | undefined; log: Log }): Planner {
  const vectors = embed === undefined ? undefined : createServiceVectors({ embed, log })

  return {
    async plan(request, signal) {
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(), Math.min(Math.max(0, request.deadlineAt - Date.now()), longestTimer))
      const failed: Invalid[] = []
      try {
        return await attempts(request, failed, AbortSignal.any([signal, deadline.signal]))
      } catch (error) {
        if (signal.aborted || !deadline.signal.aborted) throw error
        return outOfTime(failed.at(-1))
      } finally {
        clearTimeout(timer)
      }
    }
  }

  async function attempts(request: PlanningRequest, failed: Invalid[], signal: AbortSignal): Promise<PlanningOutcome> {
    const similarity = await vectors?.similarities(request.action, request.services, signal)
    const relevance = relate({ ...request, similarity })
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      signal.throwIfAborted()
      const feedback = [...new Set(failed.flatMap(({ messages }) => messages))]
      const outcome = await reviewed(await attemptOnce({ request, relevance, attempt, feedback, signal }), request, attempt - 1, signal)
      if (outcome.type !== 'invalid') return outcome
      failed.push(outcome)
      log.debug({ requestId: request.requestId, attempt, findings: outcome.messages.length }, 'a planning attempt was refused')
    }
    const last = failed.at(-1)
    if (last === undefined) throw new TypeError('there is at least one attempt')
    return { type: 'failed', message: last.messages.join('; '), diagnosis: last.diagnosis }
  }

  /** A prompt that turns out too long is tried again with fewer services; that is no failure of the model. */
  async function attemptOnce(question: {
    request: PlanningRequest
    relevance: Relevance
    attempt: number
    feedback: readonly string[]
    signal: AbortSignal
  }): Promise<AttemptOutcome> {
    const { request, relevance, attempt, feedback, signal } = question
    const failedAttempts = attempt - 1
    let room = roomForServices(model.contextWindow?.(), request.action.length)
    for (;;) {
      const services = shortlist(relevance.ranked, request.services, room)
      if (services.length < request.services.length)
        log.info({ requestId: request.requestId, shown: services.length, services: request.services.length }, 'services were left out of a prompt')
      const ask = createAsk({ model, request, attempt, signal })
      try {
        const given = {
          request,
          services,
          relevance,
          ask,
          isSmall: model.isSmall?.() ?? false,
          failedAttempts,
          isLast: attempt === mostAttempts,
          feedback
        }
        return model.grammar ? await planInPhases(given) : await planWhole(given)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        if (error.code === 'invalid_output')
          return refuse([{ kind: 'unreadable', problem: error.message }], { services: request.services, data: request.data, failedAttempts })
        if (error.code !== 'context_length_exceeded' || services.length === 1) throw error
        room = Math.floor(Math.min(room, describeServices(services).length) / 2)
      }
    }
  }
}

type Invalid = Extract<AttemptOutcome, { type: 'invalid' }>

/** A timer of Node's cannot wait longer. */
const longestTimer = 2_147_483_647

function outOfTime(last: Invalid | undefined): PlanningOutcome {
  const message = ['planning took longer than its deadline allows', ...(last?.messages ?? [])].join('; ')
  const remedy = 'give the plan a later deadline, or plan with a smaller or faster model'
  const { findings, remedies } = last?.diagnosis ?? { findings: [], remedies: [] }
  return {
    type: 'failed',
    message,
    diagnosis: { rootCause: 'the model gave no valid plan before the deadline', findings, remedies: [...remedies, remedy] }
  }
}
