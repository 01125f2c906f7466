import type { ModelShape } from '#contracts/weights.ts'

/** Bytes of one weight in the usual four-bit files. */
const usualBytes = 0.6
/** Cached for a token, in f16, by a model of a thousand million weights; it grows with the root of their number. Over what is served today, from 0.1 to 120. */
const cachedBytes = 45 * 1024
const smallModel = 0.5e9

/**
 * A shape as a model of this size usually has it, for a model whose header is not here: as many layers, as wide and with as many cached values as the
 * models people run. Good for a first word, not for a promise.
 */
export function guessShape(facts: { bytes: number; parameters?: number | undefined; isEmbedding: boolean }): ModelShape {
  const parameters = Math.max(1e6, facts.parameters ?? facts.bytes / usualBytes)
  const bytes = facts.bytes > 0 ? facts.bytes : Math.round(parameters * usualBytes)
  const billions = parameters / 1e9
  const isSmall = parameters < smallModel
  const isEncoder = facts.isEmbedding && isSmall
  const layers = Math.min(128, Math.max(6, Math.round(16 * billions ** 0.37)))
  const embedding = 64 * Math.max(2, Math.round(Math.sqrt(parameters / (12 * layers)) / 64))
  const heads = Math.max(1, Math.round(embedding / 128))
  const cached = isEncoder ? 0 : Math.round((cachedBytes * Math.sqrt(billions)) / layers / 4)
  const vocabulary = isSmall ? (isEncoder ? 30_000 : 50_000) : 130_000
  const embeddingBytes = Math.round(Math.min(bytes / 2, (vocabulary * embedding * bytes) / parameters))
  const layer = { bytes: Math.floor((bytes - embeddingBytes) / layers), keys: cached, values: cached, isWindowed: false, state: 0 }
  return {
    vocabulary,
    embedding,
    feed: Math.round(embedding * 3.5) * (isEncoder ? 1 : 3),
    heads,
    query: embedding,
    keys: cached,
    values: cached,
    window: 0,
    hasFlashAttention: true,
    isLatent: false,
    isEncoder,
    isRough: true,
    layers: Array.from({ length: layers }, () => layer),
    embeddingBytes,
    outputBytes: 0,
    otherBytes: bytes - embeddingBytes - layer.bytes * layers,
    matrixBytes: {}
  }
}
