import type { LocalModel } from '#contracts/model.ts'
import type { ModelShape } from '#contracts/weights.ts'
import type { Descriptions } from '../inspect/descriptions.ts'
import { type EngineSettings, memoryNeed } from './engine-memory.ts'
import { guessShape } from './shape-guess.ts'

/** With less than this no slot is of use. Tokens. */
const fewestTokens = 512
/** Windows are given in steps of so many tokens. */
const step = 256
/** Engine's choice where `OUTPOST_SLOTS` is not set. */
const usualSlots = 4
/** A long context window would take all there is, and an embedding model could then never lie beside it. */
const largestShare = 0.75

export type MemoryNeeds = {
  /** Bytes a loaded model takes; `atLeast` is what it cannot run without. Throws what looking into its headers throws. */
  of(model: LocalModel): Promise<{ bytes: number; atLeast: number }>
  /** Tokens of context of each slot for which so many bytes are enough; at most what the model was trained for. */
  contextWithin(model: LocalModel, bytes: number): number
}

/**
 * What the models of this machine need, from their headers, as `outpost fit` tells it: one reckoning for both. Engines without weights need nothing;
 * another engine than llama is taken at the size of its files.
 */
export function createMemoryNeeds(options: { descriptions: Descriptions; slots: number | undefined; budget: number }): MemoryNeeds {
  const { descriptions, budget } = options
  const shapes = new Map<string, ModelShape>()

  const totalOf = (shape: ModelShape, model: LocalModel, contextWindow: number) =>
    memoryNeed(shape, settingsOf(model, contextWindow, options.slots)).memory.total

  return {
    async of(model) {
      const size = model.files.reduce((sum, file) => sum + file.size, 0)
      const { id, engine, contextWindow } = model.entry
      if (engine !== 'llama') return { bytes: size, atLeast: size }
      const description = await descriptions.of(model)
      const shape = description.shape ?? guessOf(model)
      shapes.set(id, shape)
      const atLeast = totalOf(shape, model, Math.min(fewestTokens, contextWindow))
      const wanted = totalOf(shape, model, contextWindow)
      return { bytes: Math.max(atLeast, Math.min(wanted, Math.floor(budget * largestShare))), atLeast }
    },
    contextWithin(model, bytes) {
      const { id, engine, contextWindow } = model.entry
      if (engine !== 'llama') return contextWindow
      const shape = shapes.get(id) ?? guessOf(model)
      if (totalOf(shape, model, contextWindow) <= bytes) return contextWindow
      let [low, high] = [0, Math.floor(contextWindow / step)]
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        if (totalOf(shape, model, middle * step) <= bytes) low = middle
        else high = middle - 1
      }
      return Math.min(contextWindow, Math.max(fewestTokens, low * step))
    }
  }
}

function settingsOf({ entry }: LocalModel, contextWindow: number, slots: number | undefined): EngineSettings {
  const isEmbedding = entry.kind !== 'chat'
  return { contextWindow, slots: isEmbedding ? 1 : (slots ?? usualSlots), cacheType: 'f16', isEmbedding }
}

function guessOf({ entry, files }: LocalModel): ModelShape {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return guessShape({ bytes, parameters: entry.parameters, isEmbedding: entry.kind !== 'chat' })
}
