import type { RandomModel } from './random-model.ts'

/** Kinds of model whose memory the estimate must know, small enough to be written and loaded in seconds, large enough that constants do not hide an error. */
export const modelShapes = {
  'llama, grouped queries, Q8_0': {
    architecture: 'llama',
    layers: 12,
    embedding: 1024,
    feedForward: 2816,
    heads: 16,
    headsKv: 4,
    context: 4096,
    type: 'Q8_0'
  },
  'llama, own output, F16': {
    architecture: 'llama',
    layers: 8,
    embedding: 512,
    feedForward: 1536,
    heads: 8,
    headsKv: 8,
    context: 4096,
    type: 'F16',
    hasOutput: true
  },
  'llama, repacked, Q4_K': {
    architecture: 'llama',
    layers: 16,
    embedding: 1024,
    feedForward: 2816,
    heads: 16,
    headsKv: 4,
    context: 2048,
    type: 'Q4_K',
    embeddingType: 'Q6_K'
  },
  'qwen2, one key for all queries': {
    architecture: 'qwen2',
    layers: 16,
    embedding: 896,
    feedForward: 4864,
    heads: 14,
    headsKv: 1,
    context: 8192,
    type: 'Q8_0'
  },
  'qwen3, wide heads': {
    architecture: 'qwen3',
    layers: 8,
    embedding: 768,
    feedForward: 2304,
    heads: 16,
    headsKv: 8,
    headLength: 128,
    context: 4096,
    type: 'Q8_0'
  },
  'qwen3moe, 8 of 16 experts': {
    architecture: 'qwen3moe',
    layers: 8,
    embedding: 768,
    feedForward: 2304,
    heads: 12,
    headsKv: 4,
    headLength: 64,
    context: 4096,
    type: 'Q8_0',
    experts: { count: 16, used: 8, feedForward: 512 }
  },
  'gemma3, sliding window': {
    architecture: 'gemma3',
    layers: 12,
    embedding: 768,
    feedForward: 3072,
    heads: 4,
    headsKv: 1,
    headLength: 256,
    context: 8192,
    type: 'Q8_0',
    slidingWindow: 512
  },
  'gemma2, window, no flash attention': {
    architecture: 'gemma2',
    layers: 8,
    embedding: 768,
    feedForward: 3072,
    heads: 8,
    headsKv: 4,
    headLength: 128,
    context: 2048,
    type: 'Q8_0',
    slidingWindow: 512
  },
  'deepseek2, compressed cache (MLA)': {
    architecture: 'deepseek2',
    layers: 8,
    embedding: 768,
    feedForward: 2304,
    heads: 12,
    headsKv: 12,
    context: 2048,
    type: 'Q8_0',
    latent: { rank: 512, rope: 64, nope: 128, value: 128, query: 384 }
  },
  'lfm2, convolutions and attention': {
    architecture: 'lfm2',
    layers: 12,
    embedding: 768,
    feedForward: 2304,
    heads: 12,
    headsKv: 4,
    context: 8192,
    type: 'Q8_0'
  },
  'bert, embedding': { architecture: 'bert', layers: 12, embedding: 768, feedForward: 3072, heads: 12, headsKv: 12, context: 512, type: 'F16' },
  'qwen3, embedding': {
    architecture: 'qwen3',
    layers: 6,
    embedding: 512,
    feedForward: 1536,
    heads: 8,
    headsKv: 4,
    context: 1024,
    type: 'Q8_0',
    isEmbedding: true
  }
} as const satisfies Record<string, RandomModel>
