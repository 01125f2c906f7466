import type { PlanNews } from './plan-engine.ts'

/** Who follows which plan. What they do with the news must not throw. */
export type PlanFollowers = {
  add(planId: string, listener: (news: PlanNews[]) => void): () => void
  tell(planId: string, news: PlanNews[]): void
  has(planId: string): boolean
}

export function createPlanFollowers(): PlanFollowers {
  const listeners = new Map<string, Set<(news: PlanNews[]) => void>>()
  return {
    add(planId, listener) {
      const known = listeners.get(planId) ?? new Set()
      listeners.set(planId, known.add(listener))
      return () => {
        known.delete(listener)
        if (known.size === 0) listeners.delete(planId)
      }
    },
    tell(planId, news) {
      for (const listener of [...(listeners.get(planId) ?? [])]) listener(news)
    },
    has: (planId) => listeners.has(planId)
  }
}
