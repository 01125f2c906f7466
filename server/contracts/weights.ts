import { z } from 'zod'

const count = z.int().min(0)

/** What one layer of a model needs. Numbers of values, not bytes, unless said otherwise. */
export const LayerShape = z.object({
  /** Bytes of its tensors. */
  bytes: count,
  /** Cached for each token. */
  keys: count,
  values: count,
  /** It looks back over the sliding window only, and caches no more. */
  isWindowed: z.boolean(),
  /** Kept for each sequence, however long it is (recurrent layers). */
  state: count
})
export type LayerShape = z.infer<typeof LayerShape>

/** The numbers of a model's header that decide how much memory it takes. */
export const ModelShape = z.object({
  vocabulary: count,
  embedding: count,
  /** Values of one token between the matrices of the widest feed-forward part: gate, up and their product, over all experts that are used. */
  feed: count,
  heads: count,
  /** Queries, keys and values of one token in the widest layer. */
  query: count,
  keys: count,
  values: count,
  /** Tokens of the sliding window; 0: none. */
  window: count,
  /** Whether the engine computes attention without keeping the scores of all tokens. */
  hasFlashAttention: z.boolean(),
  /** Keys and values are cached compressed, as one (MLA). */
  isLatent: z.boolean(),
  /** Reads a text at once and caches nothing. */
  isEncoder: z.boolean(),
  /** Its kind of layer is not one that was measured; the estimate may be off by more than a tenth. */
  isRough: z.boolean(),
  layers: z.array(LayerShape).max(1024),
  /** Bytes of the token embedding, of the output matrix (0: it is the embedding), and of all else that is in no layer. */
  embeddingBytes: count,
  outputBytes: count,
  otherBytes: count,
  /** Bytes of matrices by tensor type; some types are kept a second time, in another order, by some processors. */
  matrixBytes: z.record(z.string(), count)
})
export type ModelShape = z.infer<typeof ModelShape>

export const TemplateKind = z.enum(['chatml', 'llama3', 'llama2', 'gemma', 'harmony', 'deepseek', 'command-r', 'phi', 'other'])
export type TemplateKind = z.infer<typeof TemplateKind>

const text = z.string().max(4096)

/** What the headers of a model's files say, after every count, offset and length in them was checked. `null`: they do not say. */
export const WeightsDescription = z.object({
  format: z.enum(['gguf', 'safetensors']),
  files: z.array(z.object({ name: text, size: count })).max(10_000),
  architecture: text,
  name: text.nullable(),
  /** SPDX id, as the file states it. */
  licence: text.nullable(),
  /** Tokens the model was trained for. */
  contextLength: z.int().min(1).nullable(),
  embeddingLength: z.int().min(1).nullable(),
  /** Number of weights, counted over the tensors. */
  parameters: count,
  /** `Q4_K_M`, `BF16` and the like. */
  quantisation: text.nullable(),
  /** Made for embeddings, and useless for chat. */
  isEmbedding: z.boolean(),
  pooling: z.enum(['none', 'mean', 'cls', 'last', 'rank']).nullable(),
  template: z.object({ kind: TemplateKind, hasTools: z.boolean(), hasReasoning: z.boolean() }).nullable(),
  tokenizer: z.object({ kind: text, tokens: count }).nullable(),
  tensorCount: count,
  tensorBytes: count,
  /** `null`: the headers do not tell enough to say what the engine will need. */
  shape: ModelShape.nullable()
})
export type WeightsDescription = z.infer<typeof WeightsDescription>

export const CacheType = z.enum(['f16', 'q8_0'])
export type CacheType = z.infer<typeof CacheType>

/** Bytes. */
export const MemoryNeed = z.object({
  weights: count,
  /** Keys and values of all slots, and the state of recurrent layers. */
  cache: count,
  /** Buffers of one step. */
  compute: count,
  /** What a step hands out. */
  output: count,
  /** The worker process beside all that: runtime, library, vocabulary. */
  process: count,
  total: count
})
export type MemoryNeed = z.infer<typeof MemoryNeed>

/** Whether a model fits this machine now. `context`: only with a smaller context window; `layers`: only with some layers on the GPU and the rest beside it. */
export const Fit = z.object({
  verdict: z.enum(['fits', 'context', 'layers', 'none']),
  /** The verdict in words: `fits`, `fits with context ≤ 4096`, `fits with 12 layers on the GPU`, `does not fit, needs 5.2 GiB`. */
  text: z.string(),
  /** From facts of the catalogue or from the size of the files, not from a header. */
  isEstimate: z.boolean(),
  /** What was asked for. */
  contextWindow: count,
  slots: count,
  cacheType: CacheType,
  /** For what was asked for, without a GPU. */
  need: MemoryNeed,
  /** Bytes in all with the smallest context window it is loaded with. */
  least: count,
  /** The largest context window of each slot that fits, up to the one asked for; 0: none does. */
  largestContext: count,
  /** Layers on the GPU for that, of so many in all (the output counts as one). */
  gpuLayers: count,
  layers: count,
  /** Memory the model may take, as it is now. */
  available: z.object({ memory: count, gpu: count })
})
export type Fit = z.infer<typeof Fit>
