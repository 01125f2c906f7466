import type { ActionParameter, Diagnosis, Plan, Service } from '#contracts/plan.ts'
import { diagnose } from './diagnosis.ts'
import { detailAfter, type Finding } from './finding.ts'
import { wordFinding } from './finding-words.ts'
import type { Ask } from './model-call.ts'
import type { PlanningRequest } from './planner.ts'
import type { Relevance } from './relevance.ts'

/** What one attempt came to. `messages`: for people, and for the model's next attempt. */
export type AttemptOutcome =
  | { type: 'planned'; plan: Plan }
  | { type: 'not-actionable'; reason: string }
  | { type: 'invalid'; messages: string[]; diagnosis: Diagnosis }

export type AttemptQuestion = {
  request: PlanningRequest
  /** As many as the prompt has room for. */
  services: readonly Service[]
  relevance: Relevance
  /** The model is too small to see what services cannot do, and to choose among many. */
  isSmall: boolean
  ask: Ask
  /** Attempts that failed before. */
  failedAttempts: number
  isLast: boolean
  /** What was wrong with all of them. */
  feedback: readonly string[]
}

export function refuse(
  findings: readonly Finding[],
  about: { services: readonly Service[]; data: readonly ActionParameter[]; failedAttempts: number }
): Extract<AttemptOutcome, { type: 'invalid' }> {
  const detail = detailAfter(about.failedAttempts)
  return { type: 'invalid', messages: findings.map((finding) => wordFinding(finding, detail, about.services)), diagnosis: diagnose(findings, about) }
}

/** A plan that passed the checks of form, held against those of the request. */
export async function reviewed<Outcome extends { type: string }>(
  outcome: Outcome,
  request: PlanningRequest,
  failedAttempts: number,
  signal: AbortSignal
): Promise<Outcome | Extract<AttemptOutcome, { type: 'invalid' }>> {
  if (outcome.type !== 'planned' || request.review === undefined) return outcome
  const { plan } = outcome as Outcome & { plan: Plan } // Every outcome called so has one.
  const problems = await request.review(plan, signal)
  if (problems.length === 0) return outcome
  const findings = problems.map((problem): Finding => ({ kind: 'domain', problem }))
  return refuse(findings, { services: request.services, data: request.data, failedAttempts })
}
