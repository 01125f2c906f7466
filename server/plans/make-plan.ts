import type { ActionParameter, CacheVerdict, Diagnosis, Plan, PlanningAttempt, PlanRecord, Service } from '#contracts/plan.ts'
import type { Log } from '../log.ts'
import type { CacheAnswer, CacheQuestion, PlanCache } from './cache/plan-cache.ts'
import { flightKey, groundingId } from './cache/scope.ts'
import { createSingleFlight } from './cache/single-flight.ts'
import type { Groundings } from './grounding/groundings.ts'
import { toDraft } from './planning/plan-draft.ts'
import type { Planner, PlanningProgress } from './planning/planner.ts'
import { validatePlan } from './planning/validate-plan.ts'

export type PlanMakerRequest = {
  record: PlanRecord
  requestId: string
  /** Unix milliseconds. */
  deadlineAt: number
  onProgress: (progress: PlanningProgress) => void
  onAttempt: (attempt: PlanningAttempt) => void
}

export type MadePlan =
  /** `warnings`: what of the domain's rules nothing here can check. */
  | { type: 'planned'; plan: Plan; cache: CacheVerdict; grounding: string | null; warnings: string[] }
  | { type: 'not-actionable'; message: string; cache: CacheVerdict | null; grounding: string | null }
  | { type: 'failed'; message: string; diagnosis?: Diagnosis; cache: CacheVerdict | null; grounding: string | null }

/** From an action to a plan that may run. Throws what the planner throws. */
export type PlanMaker = (request: PlanMakerRequest, signal: AbortSignal) => Promise<MadePlan>

type Found = { type: 'valid'; plan: Plan; verdict: CacheVerdict }
type Miss = Extract<CacheAnswer, { type: 'miss' }>

export function createPlanMaker(options: {
  planner: Planner
  cache: PlanCache
  servicesOf: (projectId: string) => readonly Service[]
  groundings: Pick<Groundings, 'match' | 'check' | 'list'>
  log: Log
}): PlanMaker {
  const { planner, cache, servicesOf, groundings, log } = options
  /** Of actions of one shape, only one is planned at a time. */
  const flights = createSingleFlight()

  /** What of a hit a fresh validation lets through. */
  const lookedUp = async (question: CacheQuestion, review: (plan: Plan) => Promise<string[]>, signal: AbortSignal): Promise<Found | Miss> => {
    const answer = await cache.look(question, signal)
    if (answer.type === 'miss') return answer
    const plan = revalidated(answer.plan, question.data, question.services)
    if (plan !== undefined && (await review(plan)).length === 0) return { type: 'valid', plan, verdict: answer.verdict }
    cache.drop(answer.entryId)
    log.info({ projectId: question.projectId }, 'a cached plan is not valid any more and was dropped')
    return { type: 'miss', example: undefined, verdict: { outcome: 'miss', reason: 'the kept plan would not pass the checks any more' } }
  }

  return async ({ record, requestId, deadlineAt, onProgress, onAttempt }, signal) => {
    const services = [...servicesOf(record.projectId)]
    if (services.length === 0) {
      const message = 'the project has no services: start a program that registers one, or add a toolbox, and send the action again'
      return { type: 'failed', message, cache: null, grounding: null }
    }
    const grounded = await groundings.match(record.projectId, record.action, signal)
    if (grounded.type === 'refused') {
      const names = groundings.list(record.projectId).map(({ name }) => name)
      const message = `the action is no use case of what is known of this project's domain (${names.join(', ')}); word it like one of these, or add a use case`
      return { type: 'failed', message, cache: null, grounding: null }
    }
    const hit = grounded.type === 'hit' ? grounded.hit : undefined
    const grounding = hit === undefined ? null : groundingId(hit)
    const question: CacheQuestion = { projectId: record.projectId, action: record.action, data: record.data, services, grounding: hit }
    let unchecked: string[] = []
    const review = async (plan: Plan): Promise<string[]> => {
      if (hit === undefined) return []
      const report = await groundings.check(plan, services, hit, signal)
      unchecked = report.unchecked
      return report.findings
    }
    const finish = (plan: Plan, verdict: CacheVerdict): MadePlan => ({
      type: 'planned',
      plan: withApprovals(plan, services, record.approval),
      cache: verdict,
      grounding,
      warnings: unchecked
    })

    const known = await lookedUp(question, review, signal)
    if (known.type === 'valid') return finish(known.plan, known.verdict)
    let miss = known

    return await flights.run<MadePlan>(
      flightKey(question),
      {
        async find() {
          const found = await lookedUp(question, review, signal)
          if (found.type === 'valid') return finish(found.plan, found.verdict)
          miss = found
          return undefined
        },
        async make() {
          const outcome = await planner.plan(
            {
              action: record.action,
              data: record.data,
              services,
              grounding: hit,
              example: miss.example,
              review,
              clientId: record.clientId,
              requestId,
              deadlineAt,
              onProgress,
              onAttempt
            },
            signal
          )
          if (outcome.type === 'not-actionable') return { type: 'not-actionable', message: outcome.reason, cache: miss.verdict, grounding }
          if (outcome.type === 'failed') {
            return { type: 'failed', message: outcome.message, diagnosis: outcome.diagnosis, cache: miss.verdict, grounding }
          }
          await cache.keep(question, outcome.plan, record.id, signal)
          return finish(outcome.plan, miss.verdict)
        }
      },
      signal
    )
  }
}

/** The plan as the checks of now leave it; undefined: they refuse it. */
function revalidated(plan: Plan, data: readonly ActionParameter[], services: readonly Service[]): Plan | undefined {
  const validation = validatePlan({ draft: toDraft(plan), data, services, failedAttempts: 0 })
  return validation.type === 'valid' ? validation.plan : undefined
}

/** Whoever asked may want to see more of it than the services demand. */
function withApprovals(plan: Plan, services: readonly Service[], wanted: readonly string[]): Plan {
  const waiting = new Set([...services.filter(({ approval }) => approval).map(({ id }) => id), ...wanted])
  if (waiting.size === 0) return plan
  return { ...plan, tasks: plan.tasks.map((task) => (waiting.has(task.service) ? { ...task, approval: true } : task)) }
}
