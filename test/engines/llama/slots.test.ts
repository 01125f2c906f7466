import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSlot, commonPrefix, createSlots, type Slot } from '../../../server/engines/llama/slots.ts'

const signal = new AbortController().signal
const slot = (id: number, tokens: number[], options: { busy?: boolean; lastUsed?: number } = {}): Slot => ({
  id,
  tokens,
  busy: options.busy ?? false,
  lastUsed: options.lastUsed ?? 0
})
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

test('the common prefix ends at the first difference', () => {
  assert.equal(commonPrefix([1, 2, 3, 4], [1, 2, 9, 4]), 2)
  assert.equal(commonPrefix([1, 2], [1, 2, 3]), 2)
  assert.equal(commonPrefix([], [1]), 0)
})

test('the slot that knows most of the prompt is chosen', () => {
  const slots = [slot(0, [1, 2, 3]), slot(1, [1, 2, 3, 4, 5]), slot(2, [])]
  assert.equal(chooseSlot(slots, [1, 2, 3, 4, 5, 6])?.id, 1)
})

test('a busy slot is never chosen', () => {
  assert.equal(chooseSlot([slot(0, [1, 2], { busy: true }), slot(1, [])], [1, 2, 3])?.id, 1)
  assert.equal(chooseSlot([slot(0, [1, 2], { busy: true })], [1, 2, 3]), undefined)
})

test('a long chat is not forgotten for a common system prompt', () => {
  const system = range(0, 10)
  const chat = [...system, ...range(100, 400)]
  assert.equal(chooseSlot([slot(0, chat), slot(1, [])], [...system, ...range(500, 600)])?.id, 1)
})

test('without an empty slot the one unused for longest is taken', () => {
  const slots = [slot(0, [1, 1, 1], { lastUsed: 5 }), slot(1, [2, 2, 2], { lastUsed: 3 }), slot(2, [3, 3, 3], { lastUsed: 4 })]
  assert.equal(chooseSlot(slots, [9, 9, 9])?.id, 1)
})

test('among empty slots a neighbour of a busy one is taken, so that they run as one batch', () => {
  const slots = [slot(0, []), slot(1, []), slot(2, [7], { busy: true }), slot(3, [])]
  assert.equal(chooseSlot(slots, [1])?.id, 1)
})

test('who comes first gets the first slot that becomes free', async () => {
  const slots = createSlots(1)
  const held = await slots.acquire([1], signal)
  const order: string[] = []
  const first = slots.acquire([1], signal).then((got) => {
    order.push('first')
    slots.release(got)
  })
  const second = slots.acquire([1], signal).then(() => order.push('second'))
  slots.release(held)
  await Promise.all([first, second])
  assert.deepEqual(order, ['first', 'second'])
})

test('nobody overtakes those who wait', async () => {
  const slots = createSlots(2)
  const [a] = [await slots.acquire([1], signal), await slots.acquire([1], signal)]
  const waiting = slots.acquire([2], signal)
  slots.release(a)
  const late = slots.acquire([3], signal)
  assert.equal((await waiting).id, a.id)
  const settled = await Promise.race([late.then(() => 'got a slot'), Promise.resolve('waits')])
  assert.equal(settled, 'waits')
})

test('who gives up waiting leaves the line', async () => {
  const slots = createSlots(1)
  const held = await slots.acquire([1], signal)
  const controller = new AbortController()
  const gone = slots.acquire([1], controller.signal)
  const next = slots.acquire([1], signal)
  controller.abort(new Error('left'))
  await assert.rejects(gone, /left/)
  slots.release(held)
  assert.equal((await next).id, held.id)
})

test('closing ends the waiting', async () => {
  const slots = createSlots(1)
  await slots.acquire([1], signal)
  const waiting = slots.acquire([1], signal)
  slots.close(new Error('closed'))
  await assert.rejects(waiting, /closed/)
  await assert.rejects(slots.acquire([1], signal), /closed/)
})
