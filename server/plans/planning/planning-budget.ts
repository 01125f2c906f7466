/** Tokens of an answer. */
export const answerTokens = {
  services: 400,
  whole: 4000,
  /** By how much is open: a reference is short, a constant may be a text. */
  inputs: (references: number, constants: number) => 80 + 40 * references + 200 * constants
} as const

/** Characters that surely fit a token, on average: names and JSON take more tokens than prose. */
const charactersPerToken = 2.5

/** However large the window: a prompt is read before the first word of a plan, and a processor reads some hundred tokens a second. */
const mostCharacters = 60_000
const windowless = 16_384
/** Tokens for rules, questions and feedback. */
const aroundTokens = 900

/** Characters that a prompt may spend on the descriptions of services. `window`: tokens of prompt and answer together, where that is known. */
export function roomForServices(window: number | undefined, actionCharacters: number): number {
  const tokens = (window ?? windowless) - answerTokens.services - aroundTokens
  return Math.max(1000, Math.min(mostCharacters, Math.floor(tokens * charactersPerToken) - actionCharacters))
}

/** Attempts in all. */
export const mostAttempts = 3
