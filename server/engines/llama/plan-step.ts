/** A running sequence as the planner sees it, in the order of slot ids. */
export type StepItem = {
  /** Tokens still to be evaluated: 1 for a sequence that generates, more for one that reads its prompt. */
  remaining: number
  generating: boolean
  /** Rising number of its start: the older prompt is read first. */
  order: number
}

/**
 * How many tokens of each item the next step evaluates, at most `batchSize` together.
 * Who generates gets its token in every step. What is left goes to prompts, oldest first; while somebody generates it is at most `prefillShare`,
 * so that a long prompt does not hold up the others.
 */
export function planStep(items: readonly StepItem[], batchSize: number, prefillShare: number): number[] {
  const amounts = new Array<number>(items.length).fill(0)
  let left = batchSize
  let generating = 0
  for (const [index, item] of items.entries()) {
    if (!item.generating || left === 0) continue
    amounts[index] = 1
    generating++
    left--
  }
  if (generating === items.length) return amounts
  if (generating > 0) left = Math.min(left, prefillShare)
  const prompts = items.map((item, index) => ({ item, index })).filter(({ item }) => !item.generating)
  prompts.sort((a, b) => a.item.order - b.item.order)
  for (const { item, index } of prompts) {
    if (left <= 0) break
    const amount = Math.min(item.remaining, left)
    amounts[index] = amount
    left -= amount
  }
  return amounts
}

/** Milliseconds that reading a prompt may add to a step while others generate. */
const prefillBudgetMs = 50

/** Learns from prompt steps how many prompt tokens fit the budget. Starts careful. */
export function createPrefillShare(batchSize: number): { tokens(): number; record(promptTokens: number, ms: number): void } {
  let msPerToken = 1
  return {
    tokens: () => Math.max(8, Math.min(batchSize, Math.floor(prefillBudgetMs / msPerToken))),
    record(promptTokens, ms) {
      // Short ones measure the step's fixed cost rather than the tokens'.
      if (promptTokens < 8) return
      msPerToken = Math.max(0.001, 0.7 * msPerToken + (0.3 * ms) / promptTokens)
    }
  }
}
