import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrefillShare, planStep, type StepItem } from '../../../server/engines/llama/plan-step.ts'

const generating: StepItem = { remaining: 1, generating: true, order: 0 }
const reading = (remaining: number, order: number): StepItem => ({ remaining, generating: false, order })

const share = { beside: 16, alone: 512 }

test('everybody who generates gets a token in every step', () => {
  assert.deepEqual(planStep([generating, generating, generating], 512, share), [1, 1, 1])
})

test('a prompt alone uses the whole share of a step that only reads', () => {
  assert.deepEqual(planStep([reading(3000, 0)], 512, share), [512])
  assert.deepEqual(planStep([reading(3000, 0)], 512, { beside: 16, alone: 64 }), [64])
})

test('a prompt beside a generating sequence gets no more than its share', () => {
  assert.deepEqual(planStep([reading(3000, 1), generating], 512, share), [16, 1])
})

test('a short prompt is read at once, although a long one came before it', () => {
  assert.deepEqual(planStep([reading(6000, 1), reading(31, 2)], 512, share), [481, 31])
  assert.deepEqual(planStep([reading(31, 2), generating, reading(6000, 1)], 512, share), [8, 1, 8])
})

test('the oldest prompt gets half of what is read, however many short ones come', () => {
  assert.deepEqual(planStep([reading(300, 2), reading(6000, 1), reading(300, 3)], 512, share), [256, 256, 0])
})

test('of prompts alike the older one is read first', () => {
  assert.deepEqual(planStep([reading(3000, 2), reading(3000, 1)], 512, share), [0, 512])
})

test('a step never holds more than the batch, nor more of a prompt than there is', () => {
  assert.deepEqual(planStep([generating, generating, reading(50, 3)], 2, share), [1, 1, 0])
  assert.deepEqual(planStep([generating, generating, generating], 2, share), [1, 1, 0])
  assert.deepEqual(planStep([reading(5, 1), reading(6, 2)], 512, share), [5, 6])
})

test('a fast machine reads more of a prompt in a step than a slow one', () => {
  const fast = createPrefillShare(512)
  const slow = createPrefillShare(512)
  for (let step = 0; step < 30; step++) {
    fast.record(512, 51.2)
    slow.record(512, 5120)
  }
  assert.deepEqual(fast.tokens(), { beside: 499, alone: 512 })
  assert.deepEqual(slow.tokens(), { beside: 8, alone: 64 })
})

test('a step of a few prompt tokens says nothing about the speed', () => {
  const share = createPrefillShare(512)
  const before = share.tokens()
  share.record(1, 1000)
  assert.deepEqual(share.tokens(), before)
})
