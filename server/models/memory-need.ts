import type { LocalModel } from '#contracts/model.ts'

/** What llama.cpp takes beside weights and KV cache: compute buffers, the runtime. Bytes. */
const overhead = 64 * 2 ** 20
/** With less than this no slot is of use. Tokens. */
const fewestTokens = 512
/** Engine's choice where `OUTPOST_SLOTS` is not set. */
const usualSlots = { chat: 4, embedding: 1, rerank: 1 }
/** Bits of a weight where the catalogue does not say how many there are. */
const usualBits = 4.5
/** A long context window would take all there is, and an embedding model could then never lie beside it. */
const largestShare = 0.75

/**
 * Bytes a loaded model takes, from the sizes of its files alone; `atLeast` is what it cannot run without. The KV cache of one token is taken as 1.5 bytes × the
 * root of the parameters, which today's models with grouped-query attention lie close to (135M: 23 kB really, 8B: 131 kB, 70B: 328 kB).
 */
export function estimateMemory(model: LocalModel, slots: number | undefined, budget: number): { bytes: number; atLeast: number } {
  const { weights, perToken, slotCount } = measure(model, slots)
  if (model.entry.engine !== 'llama') return { bytes: weights, atLeast: weights }
  const atLeast = Math.ceil(weights + overhead + perToken * fewestTokens * slotCount)
  const wanted = Math.ceil(weights + overhead + perToken * Math.max(fewestTokens, model.entry.contextWindow) * slotCount)
  return { bytes: Math.max(atLeast, Math.min(wanted, Math.floor(budget * largestShare))), atLeast }
}

/** Tokens of context of each slot for which so many bytes are enough; at most what the model was trained for. */
export function contextWithin(model: LocalModel, slots: number | undefined, bytes: number): number {
  const { weights, perToken, slotCount } = measure(model, slots)
  if (model.entry.engine !== 'llama') return model.entry.contextWindow
  const tokens = Math.floor((bytes - weights - overhead) / (perToken * slotCount))
  return Math.min(model.entry.contextWindow, Math.max(fewestTokens, tokens))
}

function measure({ entry, files }: LocalModel, slots: number | undefined) {
  const weights = files.reduce((sum, { size }) => sum + size, 0)
  const parameters = entry.parameters ?? (weights * 8) / usualBits
  return { weights, perToken: 1.5 * Math.sqrt(parameters), slotCount: slots ?? usualSlots[entry.kind] }
}
