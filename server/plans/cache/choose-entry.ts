/** A kept plan and how similar its action is to the one asked for. Times are milliseconds. */
export type Candidate = { id: string; scope: string; similarity: number; ageMs: number; fields: string[] }

export type Choice = {
  /** Those that may be used, best first. */
  hits: string[]
  /** Too old, whatever they are like. */
  expired: string[]
}

/** Above it two actions mean the same, as far as an embedding can tell. */
export const hitSimilarity = 0.95
/** Above it differences are rounding in the model: of such entries the one kept first comes first. */
const indistinguishable = 0.999

/** Which of these plans (in the order they were kept) may be used for an action in `scope` with data of these names. Pure. */
export function chooseEntries(candidates: Candidate[], question: { scope: string; fields: string[] }, maxAgeMs: number): Choice {
  const expired = candidates.filter(({ ageMs }) => ageMs >= maxAgeMs).map(({ id }) => id)
  const hits = candidates
    .filter(
      ({ ageMs, scope, similarity, fields }) =>
        ageMs < maxAgeMs && scope === question.scope && similarity > hitSimilarity && question.fields.every((field) => fields.includes(field))
    )
    .sort((one, other) => rank(other.similarity) - rank(one.similarity))
    .map(({ id }) => id)
  return { hits, expired }
}

function rank(similarity: number): number {
  return similarity > indistinguishable ? 1 : similarity
}
