import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { memoryNeed } from '../../../server/models/fit/engine-memory.ts'
import { readWeights } from '../../../server/models/inspect/read-weights.ts'
import { measureAllocation } from '../../helpers/allocation.ts'
import { tinyGguf } from '../../helpers/gguf.ts'
import { type RandomModel, writeRandomModel } from '../../helpers/random-model.ts'
import { temporaryFolder } from '../fixtures.ts'

const small = { layers: 6, embedding: 256, feedForward: 768, heads: 4, headsKv: 2, headLength: 64, context: 2048, type: 'Q8_0' } as const
const slots = 2
const worst = 0.1

/** With a vocabulary of 263 tokens, so that the layers decide how large a step is, and not the scores over the vocabulary as in the benchmark. */
async function compare(model: RandomModel): Promise<void> {
  using folder = temporaryFolder()
  const path = writeRandomModel(join(folder.path, 'model.gguf'), model, tinyGguf(join(folder.path, 'tiny.gguf')))
  const { shape, isEmbedding } = readWeights([{ name: 'model.gguf', path }])
  assert.ok(shape !== null)
  const took = await measureAllocation({ path, kind: isEmbedding ? 'embedding' : 'chat', slots, cacheType: 'f16', fill: false })
  const settings = { contextWindow: took.contextWindow, slots, cacheType: 'f16', isEmbedding } as const
  const { memory } = memoryNeed(shape, settings)
  const near = (what: string, expected: number, real: number) =>
    assert.ok(Math.abs(expected / real - 1) <= worst, `${what}: expected ${expected}, llama.cpp took ${real}`)
  near('weights', memory.weights, took.weights)
  if (took.cache > 0) near('cache', memory.cache, took.cache)
  else assert.equal(memory.cache, 0)
  near('step', memory.compute, took.compute)
}

test('what is expected of a model with grouped queries is what llama.cpp allocates', () => compare({ architecture: 'llama', ...small }))

test('what is expected of a model with a sliding window is what llama.cpp allocates', () =>
  compare({ architecture: 'gemma3', ...small, slidingWindow: 256 }))

test('what is expected of an embedding model is what llama.cpp allocates', () =>
  compare({ architecture: 'bert', ...small, headsKv: 4, headLength: 64, context: 512 }))

test('what is expected of a model without flash attention is what llama.cpp allocates', () =>
  compare({ architecture: 'gemma2', ...small, slidingWindow: 256 }))

test('what is expected of a model with a compressed cache is what llama.cpp allocates', () => {
  const { headLength: _, ...shape } = small
  return compare({ architecture: 'deepseek2', ...shape, latent: { rank: 128, rope: 32, nope: 64, value: 64, query: 128 } })
})

test('what is expected of a model of experts is what llama.cpp allocates', () =>
  compare({ architecture: 'qwen3moe', ...small, experts: { count: 8, used: 4, feedForward: 256 } }))
