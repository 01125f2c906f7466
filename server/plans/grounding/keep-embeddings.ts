import type { TextVectorStore } from '../../store/text-vectors.ts'
import type { Embed } from '../planning/planner.ts'

const limit = 4000

/**
 * `embed` that asks the model only for texts it has no vector of yet. For texts that come again: use cases, capabilities, descriptions. The last few
 * thousand are also in memory.
 */
export function keepEmbeddings(options: { store: TextVectorStore; embed: Embed; embeddingModel: () => string; now?: () => number }): Embed {
  const { store, embed, embeddingModel, now = Date.now } = options
  const recent = new Map<string, Float32Array>()

  function find(model: string, text: string): Float32Array | undefined {
    const vector = recent.get(`${model}\n${text}`) ?? store.find(model, text, now())
    if (vector !== undefined) remember(model, text, vector)
    return vector
  }

  function remember(model: string, text: string, vector: Float32Array): void {
    const key = `${model}\n${text}`
    recent.delete(key)
    recent.set(key, vector)
    if (recent.size > limit) recent.delete(recent.keys().next().value ?? key)
  }

  return async (texts, signal) => {
    const model = embeddingModel()
    const vectors = new Map(texts.map((text) => [text, find(model, text)]))
    const missing = [...vectors].flatMap(([text, vector]) => (vector === undefined ? text : []))
    const made = missing.length === 0 ? [] : await embed(missing, signal)
    if (made === undefined) return undefined
    const fresh = missing.flatMap((text, index) => {
      const vector = made[index]
      return vector === undefined ? [] : { text, vector }
    })
    if (fresh.length > 0) store.put(model, fresh, now())
    for (const { text, vector } of fresh) {
      vectors.set(text, vector)
      remember(model, text, vector)
    }
    const all = texts.flatMap((text) => vectors.get(text) ?? [])
    return all.length === texts.length ? all : undefined
  }
}
