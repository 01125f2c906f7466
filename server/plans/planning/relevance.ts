import type { ActionParameter, Service } from '#contracts/plan.ts'
import { wordsOf } from './names.ts'
import { propertiesOf } from './service-schema.ts'

export type RankedService = { service: Service; score: number }

/**
 * Services by how much their words have in common with the action's, best first: names count more than descriptions, rare words more than those that many services
 * use. Words of inputs count by the names of the data. `similarity`: of meanings, where there is an embedding model, −1 to 1. Equal scores stay in order.
 */
export function rankServices(options: {
  action: string
  data: readonly Pick<ActionParameter, 'field'>[]
  services: readonly Service[]
  similarity?: readonly number[] | undefined
}): RankedService[] {
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

  return services
    .map((service, index) => {
      const text = texts[index]
      if (text === undefined) return { service, score: 0 }
      let score = 0
      for (const word of words) score += rarity(word) * ((hasWord(text.name, word) ? 2 : 0) + (hasWord(text.description, word) ? 1 : 0))
      for (const word of fields) if (hasWord(text.fields, word)) score += 0.5 * rarity(word)
      return { service, score: score + 4 * Math.max(0, similarity?.[index] ?? 0) }
    })
    .sort((a, b) => b.score - a.score)
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
  'a an the of to in on at for from with by and or is are be was it its this that these those i me my we our you your he she they his her their what which who how do does did can could will would should please not no so as if then than there here have has had get give make let about into out up say show tell need want any all some one'.split(
    ' '
  )
)
