import type { CacheType, LayerShape, MemoryNeed, ModelShape } from '#contracts/weights.ts'

export type EngineSettings = {
  /** Tokens of one slot. */
  contextWindow: number
  slots: number
  cacheType: CacheType
  /** The whole text in one step, and one at a time. */
  isEmbedding: boolean
}

/** Bytes on the GPU and in ordinary memory. */
export type Placement = { gpu: number; memory: MemoryNeed }

// What follows is what `llama-engine.ts` asks for and llama.cpp makes of it; test/models/fit/fit-engine.test.ts and the benchmark hold the two together.
const batch = 512
const smallestPiece = 256
/** A worker with Node and the library, before a model. */
const workerBytes = 130 * 2 ** 20
/** Tables beside the model: graph, model's descriptions, JavaScript. */
const tableBytes = 12 * 2 ** 20
/** A token of the vocabulary with its merge, in llama.cpp's tables and in the library's. */
const tokenBytes = 1100

/** Types of which a processor wants the rows in an order of its own, beside the file's. Source: ggml-cpu/repack.cpp. */
const repacked: Readonly<Record<string, ReadonlySet<string>>> = {
  x64: new Set(['Q4_0', 'Q4_K', 'IQ4_NL', 'MXFP4']),
  arm64: new Set(['Q4_0', 'Q4_K', 'Q5_K', 'Q6_K', 'Q8_0', 'IQ4_NL', 'MXFP4'])
}

/**
 * Memory of a loaded model with `gpuLayers` of its layers on the GPU (the output counts as the last one). Everything is counted as llama.cpp
 * allocates it, so the pages of its step buffer that are never touched are in it.
 */
export function memoryNeed(shape: ModelShape, settings: EngineSettings, gpuLayers = 0, processor: string = process.arch): Placement {
  const { layers } = shape
  const onGpu = layers.slice(Math.max(0, layers.length + 1 - gpuLayers))
  const inMemory = layers.slice(0, layers.length - onGpu.length)
  const isOutputOnGpu = gpuLayers > 0
  const output = shape.outputBytes > 0 ? shape.outputBytes : shape.embeddingBytes
  const weightsOf = (some: readonly LayerShape[]) => sum(some.map(({ bytes }) => bytes))
  const cacheOf = (some: readonly LayerShape[]) => sum(some.map((layer) => cacheBytes(shape, layer, settings)))
  const compute = computeBytes(shape, settings)

  const tied = shape.outputBytes === 0 && isOutputOnGpu ? 0 : shape.outputBytes
  const inFile = shape.embeddingBytes + shape.otherBytes + (isOutputOnGpu ? 0 : tied) + weightsOf(inMemory)
  const again = inMemory.length === 0 ? 0 : (repackedBytes(shape, processor) * weightsOf(inMemory)) / Math.max(1, weightsOf(layers))
  const memory = total({
    weights: inFile + Math.round(again),
    cache: cacheOf(inMemory),
    compute: inMemory.length === 0 ? handOver(shape, settings) : compute.layers,
    output: outputBytes(shape, settings),
    process: workerBytes + tableBytes + shape.vocabulary * tokenBytes + (inMemory.length === 0 ? 0 : workBytes(shape, settings))
  })
  if (!isOutputOnGpu) return { gpu: 0, memory: total({ ...memory, compute: compute.all }) }
  return { gpu: weightsOf(onGpu) + output + cacheOf(onGpu) + compute.all, memory }
}

/** What is left of the need on the processor when only pages count that are touched: a chat wants scores over the vocabulary of one token a slot. */
export function residentBytes(shape: ModelShape, settings: EngineSettings): number {
  const { memory } = memoryNeed(shape, settings)
  const compute = computeBytes(shape, settings)
  return settings.isEmbedding ? memory.total : memory.total - compute.all + compute.layers
}

/** Tokens of one slot, in pieces as llama.cpp has them; the library keeps the last place of an embedding's context free. */
function cellsOf({ contextWindow, isEmbedding }: EngineSettings): number {
  return padded(isEmbedding ? contextWindow + 1 : contextWindow)
}

const slotsOf = ({ slots, isEmbedding }: EngineSettings) => (isEmbedding ? 1 : slots)

function cacheBytes(shape: ModelShape, layer: LayerShape, settings: EngineSettings): number {
  const { cacheType } = settings
  const [cells, slots] = [cellsOf(settings), slotsOf(settings)]
  const rows = layer.isWindowed ? Math.min(cells, padded(shape.window + stepTokens(shape, settings))) : cells
  return rows * slots * (bytesOf(layer.keys, cacheType) + bytesOf(layer.values, cacheType)) + layer.state * slots * 4
}

function bytesOf(values: number, type: CacheType): number {
  return type === 'f16' ? values * 2 : Math.ceil(values / 32) * 34
}

/** With a sliding window the library makes room for one token more in a step. */
function stepTokens(shape: ModelShape, { contextWindow, isEmbedding, slots }: EngineSettings): number {
  return (isEmbedding ? contextWindow : Math.max(batch, slots)) + (shape.window > 0 ? 1 : 0)
}

/**
 * The buffer of one step: its highest point is in an attention, in a feed-forward part, or where the output scores the whole vocabulary.
 * `layers`: the first two alone.
 */
function computeBytes(shape: ModelShape, settings: EngineSettings): { layers: number; all: number } {
  const [cells, slots] = [cellsOf(settings), slotsOf(settings)]
  const tokens = Math.min(cells * slots, stepTokens(shape, settings))
  const { embedding, query, keys, values } = shape
  const row = (width: number) => tokens * width * 4
  const hasCache = shape.layers.some((layer) => layer.keys > 0)
  const hasWindow = shape.layers.some(({ isWindowed }) => isWindowed)
  const hasWhole = shape.layers.some(({ isWindowed }) => !isWindowed)
  const windowed = Math.min(cells, padded(shape.window + stepTokens(shape, settings)))
  const columns = shape.isEncoder ? tokens : (hasWhole ? cells : 0) + (hasWindow ? windowed : 0)
  const mask = shape.isEncoder || hasCache ? columns * tokens * (shape.hasFlashAttention ? 2 : 4) : 0

  const scores = shape.hasFlashAttention || shape.isEncoder ? 0 : cells * row(shape.heads)
  const copies = shape.isLatent && !shape.hasFlashAttention ? cells * slots * (keys + values) * 2 : 0
  const around = shape.hasFlashAttention
    ? row(2 * embedding + 2 * query + keys + values)
    : row(4 * embedding + (shape.isLatent ? 0 : 2 * query + keys + values))
  const attention = mask + scores + copies + around
  const feed = mask + row(shape.feed + (shape.isEncoder ? 3 : 4) * embedding)
  const layers = Math.max(attention, feed)
  const output = shape.isEncoder ? 0 : row(shape.vocabulary + 2 * embedding)
  return { layers, all: Math.max(layers, output) }
}

/**
 * Without flash attention the processor turns all scores of a layer into half precision, in memory of its own that it takes anew as the context
 * grows; what it gave back before stays with the allocator (measured: 1.4 to 2.5 times the last piece).
 */
function workBytes(shape: ModelShape, settings: EngineSettings): number {
  return shape.hasFlashAttention || shape.isEncoder ? 0 : 2 * cellsOf(settings) * stepTokens(shape, settings) * shape.heads * 2
}

/** What the processor keeps of a step when the GPU does all layers: the embedded tokens. */
function handOver(shape: ModelShape, settings: EngineSettings): number {
  return stepTokens(shape, settings) * shape.embedding * 4 * 2
}

/** Scores that are handed out, of one token a slot. For an embedding every token counts as an output, from the first text on. */
function outputBytes(shape: ModelShape, { isEmbedding, contextWindow, slots }: EngineSettings): number {
  return isEmbedding ? contextWindow * (shape.vocabulary + shape.embedding) * 4 : slots * shape.vocabulary * 4
}

function repackedBytes(shape: ModelShape, processor: string): number {
  const types = repacked[processor]
  return sum(Object.entries(shape.matrixBytes).map(([type, bytes]) => (types?.has(type) === true ? bytes : 0)))
}

function total(need: Omit<MemoryNeed, 'total'>): MemoryNeed {
  const { weights, cache, compute, output, process } = need
  return { weights, cache, compute, output, process, total: weights + cache + compute + output + process }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}

function padded(tokens: number): number {
  return Math.ceil(tokens / smallestPiece) * smallestPiece
}
