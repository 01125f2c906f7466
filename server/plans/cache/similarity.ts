/** Cosine of the angle between two vectors: 1 the same direction, 0 unrelated or a vector of zeros, −1 opposite or not comparable (lengths differ). */
export function cosineSimilarity(one: ArrayLike<number>, other: ArrayLike<number>): number {
  if (one.length !== other.length) return -1
  let product = 0
  let oneSquared = 0
  let otherSquared = 0
  for (let index = 0; index < one.length; index++) {
    const left = one[index] ?? 0
    const right = other[index] ?? 0
    product += left * right
    oneSquared += left * left
    otherSquared += right * right
  }
  if (oneSquared === 0 || otherSquared === 0) return 0
  return product / Math.sqrt(oneSquared * otherSquared)
}
