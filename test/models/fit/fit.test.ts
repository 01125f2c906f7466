import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { CatalogueEntry } from '#contracts/model.ts'
import type { ModelShape, WeightsDescription } from '#contracts/weights.ts'
import { memoryNeed } from '../../../server/models/fit/engine-memory.ts'
import { fitOf, fitOfEntry } from '../../../server/models/fit/fit.ts'
import { readWeights } from '../../../server/models/inspect/read-weights.ts'
import { writeRandomModel } from '../../helpers/random-model.ts'
import { chatWeights } from '../../helpers/weights.ts'
import { temporaryFolder } from '../fixtures.ts'

const gibibyte = 2 ** 30
const machine = (available: number, gpu?: number) => ({
  total: 64 * gibibyte,
  available,
  gpus: gpu === undefined ? [] : [{ name: 'a card', total: 24 * gibibyte, available: gpu }]
})

/** Eight thousand million weights in four bits, as an 8B model of today has them. */
const shape: ModelShape = {
  vocabulary: 128_256,
  embedding: 4096,
  feed: 3 * 14_336,
  heads: 32,
  query: 4096,
  keys: 1024,
  values: 1024,
  window: 0,
  hasFlashAttention: true,
  isLatent: false,
  isEncoder: false,
  isRough: false,
  layers: Array.from({ length: 32 }, () => ({ bytes: 130e6, keys: 1024, values: 1024, isWindowed: false, state: 0 })),
  embeddingBytes: 300e6,
  outputBytes: 430e6,
  otherBytes: 16_384,
  matrixBytes: {}
}
const description: WeightsDescription = {
  format: 'gguf',
  files: [{ name: 'model.gguf', size: 4_900e6 }],
  architecture: 'llama',
  name: 'Eight',
  licence: null,
  contextLength: 131_072,
  embeddingLength: 4096,
  parameters: 8e9,
  quantisation: 'Q4_K_M',
  isEmbedding: false,
  pooling: null,
  template: null,
  tokenizer: { kind: 'gpt2', tokens: 128_256 },
  tensorCount: 291,
  tensorBytes: 4_890e6,
  shape
}

test('what is needed is weights, cache, step and process, and the cache grows with context, slots and type', () => {
  const need = (contextWindow: number, slots: number, cacheType: 'f16' | 'q8_0' = 'f16') =>
    fitOf(description, { contextWindow, slots, cacheType }, machine(0)).need
  const one = need(8192, 1)
  assert.equal(one.weights, 300e6 + 430e6 + 32 * 130e6 + 16_384)
  assert.equal(one.cache, 32 * 8192 * 2048 * 2)
  assert.equal(one.total, one.weights + one.cache + one.compute + one.output + one.process)
  assert.equal(fitOf(description, { slots: 1 }, machine(0)).least, need(512, 1).total)
  assert.equal(need(8192, 4).cache, 4 * one.cache)
  assert.equal(need(4096, 1).cache, one.cache / 2)
  assert.equal(need(8192, 1, 'q8_0').cache, (one.cache / 64) * 34)
})

test('a model fits when all of it fits the free memory', () => {
  const { verdict, text, largestContext, isEstimate } = fitOf(description, { contextWindow: 8192, slots: 1 }, machine(16 * gibibyte))
  assert.deepEqual({ verdict, text, largestContext, isEstimate }, { verdict: 'fits', text: 'fits', largestContext: 8192, isEstimate: false })
})

test('where the whole window does not fit, the largest one that does is named, to the last piece', () => {
  const memory = machine(12 * gibibyte)
  const { verdict, text, largestContext } = fitOf(description, { slots: 4 }, memory)
  assert.equal(verdict, 'context')
  assert.equal(text, `fits with context ≤ ${largestContext}`)
  const verdictAt = (contextWindow: number) => fitOf(description, { contextWindow, slots: 4 }, memory).verdict
  assert.deepEqual([verdictAt(largestContext), verdictAt(largestContext + 256)], ['fits', 'context'])
  assert.equal(largestContext % 256, 0)
})

test('what does not fit even with the smallest window says how much it needs and how much is free', () => {
  const { verdict, text, largestContext } = fitOf(description, {}, machine(4 * gibibyte))
  assert.deepEqual([verdict, largestContext], ['none', 0])
  assert.match(text, /^does not fit, needs 5\.\d GiB with context 512; free are 4\.0 GiB$/)
})

test('a card takes as many layers as it holds, and the memory the rest', () => {
  const settings = { contextWindow: 8192, slots: 1 }
  const whole = fitOf(description, settings, machine(4 * gibibyte, 20 * gibibyte))
  assert.deepEqual([whole.verdict, whole.text, whole.gpuLayers, whole.layers], ['fits', 'fits', 33, 33])
  const part = fitOf(description, settings, machine(8 * gibibyte, 3 * gibibyte))
  assert.equal(part.verdict, 'layers')
  assert.equal(part.text, `fits with ${part.gpuLayers} layers on the GPU`)
  assert.ok(memoryNeed(shape, { ...settings, cacheType: 'f16', isEmbedding: false }, part.gpuLayers).gpu <= 3 * gibibyte)
  assert.ok(memoryNeed(shape, { ...settings, cacheType: 'f16', isEmbedding: false }, part.gpuLayers + 1).gpu > 3 * gibibyte)
  const none = fitOf(description, settings, machine(2 * gibibyte, gibibyte))
  assert.match(none.text, /free are 2\.0 GiB and 1\.0 GiB on the GPU$/)
})

test('moving layers to a card takes from the memory what it gives to the card', () => {
  const settings = { contextWindow: 8192, slots: 2, cacheType: 'f16', isEmbedding: false } as const
  for (let layers = 1; layers <= 33; layers++) {
    const [before, after] = [memoryNeed(shape, settings, layers - 1), memoryNeed(shape, settings, layers)]
    assert.ok(after.gpu > before.gpu && after.memory.total < before.memory.total, `${layers} layers`)
  }
})

test('the header tells windows, compressed caches, layers without a cache, and attention that keeps its scores', async () => {
  using folder = temporaryFolder()
  const tokenizer = await chatWeights()
  const small = { layers: 6, embedding: 64, feedForward: 64, heads: 4, headsKv: 2, headLength: 32, context: 4096, type: 'F16' } as const
  const shapeOf = (model: Partial<Parameters<typeof writeRandomModel>[1]>) => {
    const path = writeRandomModel(join(folder.path, 'model.gguf'), { architecture: 'llama', ...small, ...model }, tokenizer)
    const { shape: found } = readWeights([{ name: 'model.gguf', path }])
    assert.ok(found !== null)
    return found
  }
  const cacheOf = (found: ModelShape) =>
    memoryNeed(found, { contextWindow: 4096, slots: 2, cacheType: 'f16', isEmbedding: found.isEncoder }).memory.cache
  const perToken = 2 * (64 + 64) * 2
  const plain = shapeOf({})
  assert.deepEqual([plain.query, plain.keys, plain.values, plain.window, plain.vocabulary], [128, 64, 64, 0, 49_152])
  assert.equal(cacheOf(plain), 6 * 4096 * perToken)
  const windowed = shapeOf({ architecture: 'gemma3', slidingWindow: 512 })
  assert.deepEqual(
    windowed.layers.map(({ isWindowed }) => isWindowed),
    [true, true, true, true, true, false]
  )
  assert.equal(cacheOf(windowed), (5 * 1280 + 4096) * perToken)
  const latent = shapeOf({
    architecture: 'deepseek2',
    headLength: undefined as never,
    latent: { rank: 32, rope: 16, nope: 16, value: 16, query: 32 }
  })
  assert.deepEqual([latent.isLatent, latent.hasFlashAttention, latent.layers[0]?.keys, latent.layers[0]?.values], [true, false, 48, 0])
  assert.equal(shapeOf({ architecture: 'gemma2', slidingWindow: 512 }).hasFlashAttention, false)
  const experts = shapeOf({ architecture: 'qwen3moe', experts: { count: 8, used: 4, feedForward: 32 } })
  assert.equal(experts.feed, 3 * 4 * 32)
  const mixed = shapeOf({ architecture: 'lfm2' })
  assert.deepEqual(
    mixed.layers.map(({ keys, state }) => [keys, state]),
    [
      [0, 128],
      [0, 128],
      [64, 0],
      [0, 128],
      [0, 128],
      [64, 0]
    ]
  )
  const encoder = shapeOf({ architecture: 'bert', headsKv: 4, headLength: undefined as never, context: 512 })
  assert.deepEqual([encoder.isEncoder, cacheOf(encoder), encoder.feed], [true, 0, 64])
})

test('a model that is not here is judged by the catalogue, as an estimate that says so', () => {
  const entry = (parameters: number | undefined, size: number, change: Partial<CatalogueEntry> = {}) =>
    CatalogueEntry.parse({
      id: 'some',
      name: 'Some',
      description: '',
      kind: 'chat',
      engine: 'llama',
      licence: 'MIT',
      contextWindow: 8192,
      ...(parameters === undefined ? {} : { parameters }),
      files: [{ name: 'some.gguf', size, sha256: '0'.repeat(64) }],
      ...change
    })
  const guess = fitOfEntry(entry(8e9, 4_900e6), { slots: 1 }, machine(64 * gibibyte))
  assert.equal(guess.isEstimate, true)
  const exact = fitOf(description, { contextWindow: 8192, slots: 1 }, machine(64 * gibibyte))
  assert.ok(Math.abs(guess.need.total / exact.need.total - 1) < 0.1, `${guess.need.total} and ${exact.need.total}`)
  assert.equal(fitOfEntry(entry(undefined, 4_900e6), {}, machine(2 * gibibyte)).verdict, 'none')
  assert.equal(fitOfEntry(entry(22e6, 25e6, { kind: 'embedding', contextWindow: 512 }), {}, machine(gibibyte)).verdict, 'fits')
})

test('a header that does not tell enough is judged by the size of its tensors', () => {
  const fit = fitOf({ ...description, shape: null }, { contextWindow: 8192 }, machine(64 * gibibyte))
  assert.deepEqual([fit.verdict, fit.isEstimate], ['fits', true])
})
