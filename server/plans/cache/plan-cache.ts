import type { ActionParameter, CacheVerdict, Plan, Service } from '#contracts/plan.ts'
import type { CacheEntry } from '#contracts/plan-api.ts'
import type { GroundingHit } from '../planning/planner.ts'

export type CacheQuestion = {
  projectId: string
  action: string
  data: ActionParameter[]
  /** All of the project: a plan is good for exactly these, in these versions. */
  services: Service[]
  grounding: GroundingHit | undefined
}

export type CacheAnswer =
  /** `plan` has the values of this request in place. It still has to pass validation. */
  | { type: 'hit'; plan: Plan; entryId: string; verdict: CacheVerdict }
  /** `example`: the nearest plan, where one is near enough to help. */
  | { type: 'miss'; example: { action: string; plan: Plan } | undefined; verdict: CacheVerdict }

/** Plans that were made and found valid, found again by what an action means. */
export type PlanCache = {
  look(question: CacheQuestion, signal?: AbortSignal): Promise<CacheAnswer>
  /** Only plans that passed every check. */
  keep(question: CacheQuestion, plan: Plan, planId: string, signal?: AbortSignal): Promise<void>
  /** What a fresh validation refused. */
  drop(entryId: string): void
  entries(projectId: string): CacheEntry[]
  clear(projectId: string): number
}
