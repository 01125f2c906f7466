import type { Plan } from '#contracts/plan.ts'
import type { CachedPlan } from '../../store/plan-cache.ts'
import { hitSimilarity } from './choose-entry.ts'
import type { CacheAnswer } from './plan-cache.ts'
import type { Shape } from './shape.ts'

/** A kept plan and how similar its action is; 1: the same words. */
export type Near = { entry: CachedPlan; similarity: number }

export function differs({ kept, asked }: { kept: string; asked: string }): string {
  const quoted = (text: string) => (text === '' ? 'nothing' : `“${text}”`)
  return `the nearest action has ${quoted(kept)} where this one has ${quoted(asked)}`
}

export function notEnough({ entry, similarity }: Near, { fields }: Shape): string {
  const lost = fields.filter(({ name }) => !entry.fields.includes(name)).map(({ name }) => `“${name}”`)
  if (similarity > hitSimilarity && lost.length > 0) return `the plan of “${entry.action}” has no place for ${lost.join(', ')}`
  return `the nearest action, “${entry.action}”, is ${similarity.toFixed(2)} similar; more than ${hitSimilarity} is needed`
}

export function nearMiss({ entry, similarity }: Near, plan: Plan, reason: string): CacheAnswer {
  const verdict = { outcome: 'near' as const, reason, planId: entry.planId, similarity }
  return { type: 'miss', example: { action: entry.action, plan }, verdict }
}

export function plainMiss(reason: string): CacheAnswer {
  return { type: 'miss', example: undefined, verdict: { outcome: 'miss', reason } }
}
