import type { ActionParameter, Service } from '#contracts/plan.ts'
import { wordsOf } from './names.ts'
import { propertiesOf } from './service-schema.ts'

/** What services have to do with an action. */
export type Relevance = {
  /** All services, most related first; equal scores stay in order. */
  ranked: { service: Service; score: number }[]
  /** Those that together account for what the action says, each for words that the ones before it do not; none, where nothing is related. */
  likely: Service[]
}

/** With less in common nothing is related. */
const leastScore = 2
/** What a further service has to explain: so much, and such a part of what the first one explains. */
const leastGain = 1.2
const leastShare = 0.22

/**
 * Compares an action with services by their words: names count more than descriptions, rare words more than those of many services, and the names of data count where a
 * service takes them. `similarity`: of meanings, where there is an embedding model, −1 to 1.
 */
export function relate(options: {
  action: string
  data: readonly Pick<ActionParameter, 'field'>[]
  services: readonly Service[]
  similarity?: readonly number[] | undefined
}): Relevance {
  const { services, similarity } = options
  const texts = services.map((service) => ({
    name: new Set(contentWords(service.name)),
    description: new Set(contentWords(service.description)),
    fields: new Set([...propertiesOf(service.input).keys()].flatMap(contentWords))
  }))
  const frequency = new Map<string, number>()
  for (const { name, description } of texts)
    for (const word of new Set([...name, ...description])) frequency.set(word, (frequency.get(word) ?? 0) + 1)
  const rarity = (word: string) => Math.log(1 + services.length / (1 + (frequency.get(word) ?? 0)))
  const words = [...new Set(contentWords(options.action))]
  const fields = [...new Set(options.data.flatMap(({ field }) => contentWords(field)))]

  const entries = services.map((service, index) => {
    const text = texts[index] ?? { name: new Set<string>(), description: new Set<string>(), fields: new Set<string>() }
    const meaning = Math.max(0, similarity?.[index] ?? 0)
    const hits = words.map((word) => {
      const [inName, inDescription] = [hasWord(text.name, word), hasWord(text.description, word)]
      return { inName, weight: rarity(word) * ((inName ? 2 : 0) + (inDescription ? 1 : 0)) }
    })
    const placed = fields.filter((word) => hasWord(text.fields, word)).reduce((sum, word) => sum + 0.5 * rarity(word), 0)
    const score = hits.reduce((sum, { weight }) => sum + weight, 0) + placed + 4 * meaning
    return { service, score, hits, meaning }
  })
  const ranked = entries.toSorted((a, b) => b.score - a.score).map(({ service, score }) => ({ service, score }))
  return { ranked, likely: explain() }

  /** What is told first is mostly done first. */
  function inOrderOfMention(found: readonly Service[]): Service[] {
    const place = (service: Service) => {
      const hits = entries.find((entry) => entry.service === service)?.hits ?? []
      const strongest = Math.max(0, ...hits.map(({ weight }) => weight))
      return hits.findIndex(({ weight }) => weight > 0 && weight === strongest)
    }
    return found.toSorted((a, b) => place(a) - place(b))
  }

  function explain(): Service[] {
    if ((ranked[0]?.score ?? 0) < leastScore) return []
    const found: Service[] = []
    const left = words.map(() => 1)
    let first = 0
    for (;;) {
      const best = entries
        .filter(({ service }) => !found.includes(service))
        .map((entry) => ({
          entry,
          gain: entry.hits.reduce((sum, { weight }, index) => sum + weight * (left[index] ?? 0), 0) * (0.6 + entry.meaning)
        }))
        .reduce<{ entry: (typeof entries)[number]; gain: number } | undefined>((a, b) => (a === undefined || b.gain > a.gain ? b : a), undefined)
      if (best === undefined || (found.length > 0 && best.gain < Math.max(leastGain, leastShare * first))) return inOrderOfMention(found)
      // Where no word is the same, meanings decide.
      const chosen = found.length === 0 && best.gain === 0 ? ranked[0]?.service : best.entry.service
      if (chosen === undefined) return inOrderOfMention(found)
      if (found.length === 0) first = best.gain
      found.push(chosen)
      for (const [index, { inName, weight }] of best.entry.hits.entries()) if (weight > 0) left[index] = (left[index] ?? 0) * (inName ? 0 : 0.3)
    }
  }
}

/** Words that tell one action from another. */
export function contentWords(text: string): string[] {
  return wordsOf(text).filter((word) => word.length > 1 && !fillers.has(word))
}

/** Also where one has a longer ending than the other: `deliver` and `delivery`, `translate` and `translation`. */
function hasWord(words: ReadonlySet<string>, word: string): boolean {
  if (words.has(word)) return true
  if (word.length < 5) return false
  const start = word.slice(0, Math.max(5, word.length - 3))
  for (const one of words) if (one.length >= 5 && one.startsWith(start) && Math.abs(one.length - word.length) <= 4) return true
  return false
}

const fillers = new Set(
  'a an the of to in on at for from with by and or is are be was it its this that these those i me my we our you your he she they his her their what which who how do does did can could will would should please not no so as if then than there here have has had get give make let about into out up say show tell need want any all some one service agent'.split(
    ' '
  )
)
