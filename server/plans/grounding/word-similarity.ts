import { cosineSimilarity } from '../cache/similarity.ts'
import { wordsOf } from '../cache/words.ts'

/** Stands in where there is no embedding model: cosine of the words' counts, so 1 for the same words and 0 for none in common. */
export function sameWordsShare(one: string, other: string): number {
  const left = wordsOf(one)
  const right = wordsOf(other)
  const words = [...new Set([...left, ...right])]
  const counts = (text: string[]) => words.map((word) => text.filter((item) => item === word).length)
  return cosineSimilarity(counts(left), counts(right))
}
