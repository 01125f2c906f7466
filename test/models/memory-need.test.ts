import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LocalModel } from '#contracts/model.ts'
import { contextWithin, estimateMemory } from '../../server/models/memory-need.ts'
import { entryOf } from './fixtures.ts'

const gib = 2 ** 30
const model = (size: number, change: Partial<LocalModel['entry']> = {}): LocalModel => ({
  entry: { ...entryOf([]), ...change },
  files: [{ name: 'x.gguf', path: '/x.gguf', size, sha256: '' }]
})

test('the default chat model is estimated near what it takes', () => {
  const { bytes, atLeast } = estimateMemory(model(98_362_432, { parameters: 134_515_008, contextWindow: 8192 }), 4, 16 * gib)
  assert.ok(bytes > 0.85 * 755e6 && bytes < 1.15 * 755e6, `${bytes}`)
  assert.ok(atLeast < 250e6, `${atLeast}`)
})

test('a long context window leaves room for others, and the window is made to fit what is given', () => {
  const large = model(4.9 * gib, { parameters: 8e9, contextWindow: 131_072 })
  const need = estimateMemory(large, undefined, 16 * gib)
  assert.equal(need.bytes, 12 * gib)
  const window = contextWithin(large, undefined, need.bytes)
  assert.ok(window > 8192 && window < 20_000, `${window}`)
  assert.equal(contextWithin(large, undefined, need.atLeast), 512)
  assert.equal(contextWithin(large, 1, 100 * gib), 131_072)
})

test('where weights alone are most of the budget, they are what is asked for', () => {
  const { bytes, atLeast } = estimateMemory(model(15 * gib, { parameters: 27e9, contextWindow: 8192 }), 1, 16 * gib)
  assert.equal(bytes, atLeast)
  assert.ok(bytes > 15 * gib && bytes < 16 * gib)
})

test('other engines take the size of their files', () => {
  assert.deepEqual(estimateMemory(model(7, { engine: 'fake' }), 4, 5), { bytes: 7, atLeast: 7 })
  assert.equal(contextWithin(model(7, { engine: 'fake', contextWindow: 99 }), 4, 5), 99)
})
