/** A running sequence as the planner sees it, in the order of slot ids. */
export type StepItem = {
  /** Tokens still to be evaluated: 1 for a sequence that generates, more for one that reads its prompt. */
  remaining: number
  generating: boolean
  /** Rising number of its start. */
  order: number
}

/** Prompt tokens that a step may evaluate: beside sequences that generate, and when there are none. */
export type PrefillShare = { beside: number; alone: number }

/**
 * How many tokens of each item the next step evaluates, at most `batchSize` together.
 * Who generates gets its token in every step. What is left, up to the share, goes to prompts: half of it to the oldest, so that none starves, the rest
 * to those with the least to read, so that a short question need not wait for somebody's long document.
 */
export function planStep(items: readonly StepItem[], batchSize: number, share: PrefillShare): number[] {
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
  left = Math.min(left, generating > 0 ? share.beside : share.alone)
  const prompts = items.map((item, index) => ({ ...item, index })).filter((item) => !item.generating)
  const give = (prompt: (typeof prompts)[number] | undefined, most: number) => {
    if (prompt === undefined) return
    const amount = Math.min(prompt.remaining - (amounts[prompt.index] ?? 0), most)
    amounts[prompt.index] = (amounts[prompt.index] ?? 0) + amount
    left -= amount
  }
  prompts.sort((a, b) => a.order - b.order)
  give(prompts[0], Math.ceil(left / 2))
  prompts.sort((a, b) => a.remaining - b.remaining || a.order - b.order)
  for (const prompt of prompts) give(prompt, left)
  return amounts
}

/** Milliseconds that reading a prompt may add to a step while others generate. */
const besideMs = 50
/** Milliseconds of a step that only reads: a request that comes meanwhile waits for its end. */
const aloneMs = 250
/** With fewer, a processor reads each token more slowly (measured: 7.4 ms at 32 and below, 5.5 ms from 64 on). */
const leastAlone = 64

/** Learns from prompt steps how many prompt tokens fit the budgets. Starts careful. */
export function createPrefillShare(batchSize: number): { tokens(): PrefillShare; record(promptTokens: number, ms: number): void } {
  let msPerToken = 1
  const within = (ms: number, least: number) => Math.max(least, Math.min(batchSize, Math.floor(ms / msPerToken)))
  return {
    tokens: () => ({ beside: within(besideMs, 8), alone: within(aloneMs, leastAlone) }),
    record(promptTokens, ms) {
      // Short ones measure the step's fixed cost rather than the tokens'.
      if (promptTokens < 8) return
      msPerToken = Math.max(0.001, 0.7 * msPerToken + (0.3 * ms) / promptTokens)
    }
  }
}
