import type { Service } from '#contracts/plan.ts'
import { contentWords, sharedWords } from './content-words.ts'

/** Cosine of two texts; undefined: there is no embedding model. */
export type Similarity = (one: string, other: string) => number | undefined

/** What a service is compared by. */
export function describe({ name, description }: Service): string {
  return `${name}: ${description}`
}

/** The best has to be this near, and this much nearer than the next: otherwise the phrase is not about one of them. */
const near = 0.5
const ahead = 0.1

/**
 * The services a phrase of a constraint speaks of; none: it cannot be told. Where a service has all words of the phrase, those that have most of them
 * in their names; else the one that is nearest by meaning, if no other is as near.
 */
export function findServices(phrase: string, services: Service[], similarity: Similarity): Service[] {
  const words = contentWords(phrase)
  // “orders that were not paid” or “orders over 100” are states of the world, which no plan shows.
  if (words.length === 0 || /\b(?:not|no|never|nothing|without)\b|\d/.test(phrase)) return []
  const byWords = services
    .filter((service) => sharedWords(phrase, describe(service)) === 1)
    .map((service) => ({ service, inName: sharedWords(phrase, service.name) }))
  const most = Math.max(0, ...byWords.map(({ inName }) => inName))
  if (byWords.length > 0) return byWords.filter(({ inName }) => inName === most).map(({ service }) => service)
  const [best, next] = services
    .map((service) => ({ service, value: similarity(phrase, describe(service)) ?? 0 }))
    .sort((one, other) => other.value - one.value)
  if (best === undefined || best.value < near || best.value - (next?.value ?? 0) < ahead) return []
  return [best.service]
}
