import type { LocalModel } from '#contracts/model.ts'

/** What llama.cpp takes beside weights and KV cache: compute buffers, the runtime. Bytes. */
const overhead = 64 * 2 ** 20
/** The engine makes its context smaller where memory is short, but not smaller than this. Tokens of all slots together. */
const fewestTokens = 512
/** Engine's choice where `OUTPOST_SLOTS` is not set. */
const usualSlots = { chat: 4, embedding: 1 }
/** Bits of a weight where the catalogue does not say how many there are. */
const usualBits = 4.5

/**
 * Bytes a loaded model takes, from the sizes of its files alone. The KV cache of one token is taken as 1.5 bytes × the root of the parameters, which
 * today's models with grouped-query attention lie close to (135M: 23 kB really, 8B: 131 kB, 70B: 328 kB).
 */
export function estimateMemory({ entry, files }: LocalModel, slots: number | undefined): { bytes: number; atLeast: number } {
  const weights = files.reduce((sum, { size }) => sum + size, 0)
  if (entry.engine !== 'llama') return { bytes: weights, atLeast: weights }
  const parameters = entry.parameters ?? (weights * 8) / usualBits
  const perToken = 1.5 * Math.sqrt(parameters)
  const tokens = (slots ?? usualSlots[entry.kind]) * entry.contextWindow
  return {
    bytes: Math.ceil(weights + overhead + perToken * Math.max(tokens, fewestTokens)),
    atLeast: Math.ceil(weights + overhead + perToken * fewestTokens)
  }
}
