import type { UsageReply } from '#contracts/api.ts'

export type UsageGroup = UsageReply['groups'][number]

export type Sums = Pick<UsageGroup, 'requests' | 'errors' | 'promptTokens' | 'cachedTokens' | 'completionTokens'> & {
  /** Of each request the same weight; null: there was none. */
  meanQueueMs: number | null
}

/** All groups of a period together. No mean TTFT: only some requests have one, and the groups do not say how many. */
export function sumOf(groups: readonly UsageGroup[]): Sums {
  const sum = (of: (group: UsageGroup) => number) => groups.reduce((all, group) => all + of(group), 0)
  const requests = sum((group) => group.requests)
  return {
    requests,
    errors: sum((group) => group.errors),
    promptTokens: sum((group) => group.promptTokens),
    cachedTokens: sum((group) => group.cachedTokens),
    completionTokens: sum((group) => group.completionTokens),
    meanQueueMs: requests === 0 ? null : sum((group) => group.meanQueueMs * group.requests) / requests
  }
}

export const tokensOf = ({ promptTokens, completionTokens }: UsageGroup): number => promptTokens + completionTokens

/** Per cent of the prompt tokens that were not evaluated again. */
export const cachedPercent = ({ promptTokens, cachedTokens }: Pick<UsageGroup, 'promptTokens' | 'cachedTokens'>): number =>
  promptTokens === 0 ? 0 : (100 * cachedTokens) / promptTokens
