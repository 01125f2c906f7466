import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrefillShare, planStep, type StepItem } from '../../../server/engines/llama/plan-step.ts'

const generating: StepItem = { remaining: 1, generating: true, order: 0 }
const reading = (remaining: number, order: number): StepItem => ({ remaining, generating: false, order })

test('everybody who generates gets a token in every step', () => {
  assert.deepEqual(planStep([generating, generating, generating], 512, 16), [1, 1, 1])
})

test('a prompt alone uses the whole batch', () => {
  assert.deepEqual(planStep([reading(3000, 0)], 512, 16), [512])
})

test('a prompt beside a generating sequence gets no more than its share', () => {
  assert.deepEqual(planStep([reading(3000, 1), generating], 512, 16), [16, 1])
})

test('the older prompt is read first, whatever its slot', () => {
  assert.deepEqual(planStep([reading(400, 2), reading(300, 1)], 512, 16), [212, 300])
  assert.deepEqual(planStep([reading(400, 2), generating, reading(10, 1)], 512, 16), [6, 1, 10])
})

test('a step never holds more than the batch', () => {
  assert.deepEqual(planStep([generating, generating, reading(50, 3)], 2, 16), [1, 1, 0])
  assert.deepEqual(planStep([generating, generating, generating], 2, 16), [1, 1, 0])
})

test('a fast machine reads more of a prompt in a step than a slow one', () => {
  const fast = createPrefillShare(512)
  const slow = createPrefillShare(512)
  for (let step = 0; step < 30; step++) {
    fast.record(512, 51.2)
    slow.record(512, 5120)
  }
  assert.equal(fast.tokens(), 499)
  assert.equal(slow.tokens(), 8)
})

test('a step of a few prompt tokens says nothing about the speed', () => {
  const share = createPrefillShare(512)
  const before = share.tokens()
  share.record(1, 1000)
  assert.equal(share.tokens(), before)
})
