import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import type { LocalModel } from '#contracts/model.ts'
import type { WeightsDescription } from '#contracts/weights.ts'
import { createMemoryNeeds } from '../../../server/models/fit/memory-need.ts'
import { guessShape } from '../../../server/models/fit/shape-guess.ts'
import { inspectWeights } from '../../../server/models/inspect/inspect.ts'
import { chatWeights } from '../../helpers/weights.ts'
import { entryOf } from '../fixtures.ts'

const gib = 2 ** 30
const model = (size: number, change: Partial<LocalModel['entry']> = {}, path = '/x.gguf'): LocalModel => ({
  entry: { ...entryOf([]), engine: 'llama', ...change },
  files: [{ name: 'x.gguf', path, size, sha256: '' }]
})

/** Needs within a budget of models whose headers say no more than size and parameters. */
function needsWithin(budget: number, slots?: number) {
  const of = async ({ entry, files }: LocalModel) =>
    ({ shape: guessShape({ bytes: files[0]?.size ?? 0, parameters: entry.parameters, isEmbedding: entry.kind !== 'chat' }) }) as WeightsDescription // Only its shape is asked for.
  return createMemoryNeeds({ descriptions: { of }, slots, budget })
}

test('the need of the default chat model is that of its header, about a gibibyte with its whole window', async () => {
  const path = await chatWeights()
  const needs = createMemoryNeeds({ descriptions: { of: () => inspectWeights(path) }, slots: undefined, budget: 16 * gib })
  const small = model(statSync(path).size, { contextWindow: 8192 }, path)
  const { bytes, atLeast } = await needs.of(small)
  assert.ok(bytes > 0.9 * gib && bytes < 1.15 * gib, `${bytes}`)
  assert.ok(atLeast < 0.45 * gib, `${atLeast}`)
  assert.equal(needs.contextWithin(small, bytes), 8192)
})

test('a long context window leaves room for others, and the window is made to fit what is given', async () => {
  const large = model(4.9 * gib, { parameters: 8e9, contextWindow: 131_072 })
  const needs = needsWithin(16 * gib)
  const need = await needs.of(large)
  assert.equal(need.bytes, 12 * gib)
  const window = needs.contextWithin(large, need.bytes)
  assert.ok(window > 2048 && window < 20_000 && window % 256 === 0, `${window}`)
  assert.equal(needs.contextWithin(large, need.atLeast), 512)
  assert.equal(needsWithin(16 * gib, 1).contextWithin(large, 200 * gib), 131_072)
})

test('where weights alone are most of the budget, they are what is asked for', async () => {
  const { bytes, atLeast } = await needsWithin(16 * gib, 1).of(model(15 * gib, { parameters: 27e9, contextWindow: 8192 }))
  assert.equal(bytes, atLeast)
  assert.ok(bytes > 15 * gib)
})

test('other engines take the size of their files', async () => {
  const needs = needsWithin(5, 4)
  assert.deepEqual(await needs.of(model(7, { engine: 'fake' })), { bytes: 7, atLeast: 7 })
  assert.equal(needs.contextWithin(model(7, { engine: 'fake', contextWindow: 99 }), 5), 99)
})
