import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChatRequest } from '#contracts/chat.ts'
import { parseExtensions, toNativeSeed, toSamplerConfig } from '../../../server/engines/llama/sampling.ts'
import { AppError } from '../../../server/errors.ts'

const context = { index: 0, prompt: [1, 2, 3], vocabularySize: 1000, endTokens: [2], window: 4096 }
const configOf = (generation: Record<string, unknown>, more: Partial<typeof context> = {}) =>
  toSamplerConfig(ChatRequest.parse({ model: 'm', prompt: 'x', generation }), { ...context, ...more })
const refusal = (code: string, word: string) => (error: unknown) => error instanceof AppError && error.code === code && error.message.includes(word)

test('temperature 0 takes the likeliest token and nothing else', () => {
  assert.deepEqual(configOf({ temperature: 0, topP: 0.5, topK: 5 }), { seed: 0 })
})

test('settings that change nothing are left out', () => {
  assert.deepEqual(configOf({ temperature: 1, topP: 1, topK: 0, minP: 0, seed: 3 }), { temperature: 1, seed: 3 })
})

test('a client that says nothing gets sampling that even a small model answers sensibly with', () => {
  assert.deepEqual(configOf({ seed: 3 }), { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05, seed: 3 })
})

test('settings that change something are handed on', () => {
  const config = configOf({ temperature: 0.5, topP: 0.9, topK: 40, minP: 0.1, seed: 3 })
  assert.deepEqual(config, { temperature: 0.5, topP: 0.9, topK: 40, minP: 0.1, seed: 3 })
})

test('each of several answers has a seed of its own', () => {
  assert.equal(configOf({ seed: 7 }, { index: 2 }).seed, 9)
})

test('a seed is 32 bits and never the one that means random', () => {
  assert.equal(toNativeSeed(-2), 0xfffffffe)
  assert.notEqual(toNativeSeed(-1), 0xffffffff)
  assert.notEqual(toNativeSeed(4294967295), 0xffffffff)
})

test('frequency and presence count what is generated, the repeat penalty looks back at the prompt', () => {
  assert.deepEqual(configOf({ frequencyPenalty: 0.5 }).repeatPenaltyTokens, Uint32Array.of())
  assert.deepEqual(configOf({ repeatPenalty: 1.1 }).repeatPenaltyTokens, Uint32Array.of(1, 2, 3))
  const config = configOf({ frequencyPenalty: 0.5, presencePenalty: -1, maxTokens: 10 })
  assert.equal(config.repeatPenaltyFrequencyPenalty, 0.5)
  assert.equal(config.repeatPenaltyPresencePenalty, -1)
  assert.equal(config.repeatPenalty, 1)
  assert.ok((config.repeatPenaltyMaxTokens ?? 0) >= 10)
})

test('a bias of -100 means never', () => {
  const config = configOf({ logitBias: { '5': -100, '6': 2 } })
  assert.deepEqual(config.tokenBiasKeys, Uint32Array.of(5, 6))
  assert.deepEqual(config.tokenBiasValues, Float32Array.of(Number.NEGATIVE_INFINITY, 2))
})

test('a bias for a token that does not exist is refused', () => {
  assert.throws(() => configOf({ logitBias: { '1000': 1 } }), refusal('invalid_request', '1000'))
})

test('an unknown extension is refused by name, a wrong value by its own', () => {
  assert.throws(() => parseExtensions({ mirostat: 2 }), refusal('unsupported_feature', 'mirostat'))
  assert.throws(() => parseExtensions({ xtc_probability: 7 }), refusal('invalid_request', 'xtc_probability'))
})

test('the extensions of the library are handed on', () => {
  const config = configOf({ extensions: { xtc_probability: 0.5, dry_multiplier: 0.8 } })
  assert.equal(config.xtcProbability, 0.5)
  assert.equal(config.xtcThreshold, 0.1)
  assert.equal(config.dryRepeatPenaltyStrength, 0.8)
  assert.equal(config.dryRepeatPenaltyBase, 1.75)
})

test('end tokens are banned only when asked for', () => {
  assert.equal(configOf({}).tokenBiasKeys, undefined)
  const config = configOf({ extensions: { ignore_eos: true } })
  assert.deepEqual(config.tokenBiasKeys, Uint32Array.of(2))
  assert.deepEqual(config.tokenBiasValues, Float32Array.of(Number.NEGATIVE_INFINITY))
})
