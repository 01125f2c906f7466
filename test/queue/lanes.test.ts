import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lane } from '#contracts/job.ts'
import { boundedLane, laneOf, toQueuePriority } from '../../server/queue/lanes.ts'

const lanes: Lane[] = ['interactive', 'planning', 'normal', 'batch']
const extremes = [Number.NEGATIVE_INFINITY, -1e9, -1000, -1, 0, 1, 1000, 1e9, Number.POSITIVE_INFINITY]

test('no priority within a lane reaches into another lane', () => {
  const ranges = lanes.map((lane) => extremes.map((priority) => toQueuePriority(lane, priority)))
  assert.ok(Math.max(...ranges[0]!) < Math.min(...ranges[1]!))
  assert.ok(Math.max(...ranges[1]!) < Math.min(...ranges[2]!))
})

test('within a lane a lower number goes first', () => {
  for (const lane of lanes) {
    const order = [-1000, -1, 0, 1, 1000].map((priority) => toQueuePriority(lane, priority))
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b)
    )
    assert.equal(new Set(order).size, order.length)
  }
})

test('every number is one BullMQ takes: whole, from 1 to 2^21', () => {
  for (const lane of lanes) {
    for (const priority of [...extremes, 0.5, -0.5]) {
      const number = toQueuePriority(lane, priority)
      assert.ok(Number.isInteger(number) && number >= 1 && number <= 2 ** 21, `${lane} ${priority} → ${number}`)
    }
  }
})

test('the lane can be read back from the number', () => {
  for (const lane of lanes) for (const priority of extremes) assert.equal(laneOf(toQueuePriority(lane, priority)), lane)
})

test('a client never gets a better lane than its key allows', () => {
  assert.equal(boundedLane('interactive', 'batch'), 'batch')
  assert.equal(boundedLane('normal', 'interactive'), 'normal')
  assert.equal(boundedLane('batch', 'interactive'), 'batch')
  assert.equal(boundedLane('interactive', 'interactive'), 'interactive')
})
