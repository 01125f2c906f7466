import type { Grounding, UseCase } from '#contracts/plan.ts'
import { findPlaceholders } from '../cache/placeholders.ts'
import { wordsOf } from '../cache/words.ts'
import type { GroundingHit } from '../planning/planner.ts'

/** Above it an action is a case of the use case. */
export const matchSimilarity = 0.9

/** The text of a use case without its `{variables}`. */
export function withoutVariables(action: string): string {
  return action.replace(/\{[^{}]*\}/g, '')
}

/**
 * What of an action, or of a use case, is compared: its words without articles and courtesy, no variables, and no values of the kinds that stand for
 * them either. To the default model “process the refund of order” and “process refund for order” are 0.98 similar that way, and 0.89 with “please” and “the”.
 */
export function comparedText(action: string): string {
  const text = withoutVariables(action)
  let rest = ''
  let at = 0
  for (const { start, end } of findPlaceholders(text, [], () => false)) {
    rest += text.slice(at, start)
    at = end
  }
  return wordsOf(rest + text.slice(at)).join(' ') || action
}

/** The best use case above 0.90; of equals that of the first grounding by name, and its first use case. */
export function bestUseCase(groundings: Grounding[], similarityOf: (useCase: UseCase) => number): GroundingHit | undefined {
  let best: GroundingHit | undefined
  for (const grounding of groundings.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    for (const [index, useCase] of grounding.useCases.entries()) {
      const similarity = similarityOf(useCase)
      if (similarity > matchSimilarity && similarity > (best?.similarity ?? 0)) best = { grounding, useCase, index, similarity }
    }
  }
  return best
}

/** `refuse`: where a project has groundings, actions that none of them knows are not planned. */
export type Ungrounded = 'allow' | 'refuse'

export type MatchOutcome = { type: 'hit'; hit: GroundingHit } | { type: 'none' } | { type: 'refused'; reason: 'no_matching_use_case' }

/** What follows for an action. Without groundings nothing does. */
export function toOutcome(groundings: Grounding[], hit: GroundingHit | undefined, ungrounded: Ungrounded): MatchOutcome {
  if (hit !== undefined) return { type: 'hit', hit }
  return groundings.length === 0 || ungrounded === 'allow' ? { type: 'none' } : { type: 'refused', reason: 'no_matching_use_case' }
}
