import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareMeaning } from '../../../server/plans/cache/meaning.ts'
import { toShape } from '../../../server/plans/cache/shape.ts'

const compare = (kept: string, asked: string) => {
  const words = (action: string) => toShape(action, [], () => false).words
  return compareMeaning(words(kept), words(asked))
}

test('the same words mean the same', () => {
  assert.deepEqual(compare('Move A1 to B2', 'Move C3 to D4'), { type: 'same', order: [0, 1] })
})

test('synonyms may mean the same, if the embedding agrees', () => {
  assert.deepEqual(compare('Show all orders', 'List all orders'), { type: 'close', order: [] })
  assert.deepEqual(compare('Calculate the total of A1', 'Compute the total of B1'), { type: 'close', order: [0] })
})

test('phrases may change places, and take their values with them', () => {
  assert.deepEqual(compare('Book a flight from X1 to Y1', 'Book a flight to Y2 from X2'), { type: 'close', order: [1, 0] })
})

test('words that turn the meaning are named, whatever an embedding would say', () => {
  assert.deepEqual(compare('Ship A1 with insurance', 'Ship A1 without insurance'), { type: 'different', kept: 'with', asked: 'without' })
  assert.deepEqual(compare('Refund A1 and notify the customer', "Refund A1 and don't notify the customer"), {
    type: 'different',
    kept: '',
    asked: 'do not'
  })
  for (const [kept, asked] of [
    ['Fly from Paris to Rome', 'Fly from Rome to Paris'],
    ['Verify the payment, then ship', 'Ship, then verify the payment'],
    ['Refund A1 if it is damaged', 'Refund A1 unless it is damaged'],
    ['Delete the files of A1 and archive the mails', 'Archive the files of A1 and delete the mails'],
    ['Copy the list of A1 of B1', 'Copy the list of B1 of C1 too'],
    ['Meet in the morning', 'Meet in the evening']
  ] as const) {
    assert.equal(compare(kept, asked).type, 'different', `${kept} | ${asked}`)
  }
})

test('phrases that their prepositions do not tell apart, or that something joins, stay where they are', () => {
  for (const [kept, asked] of [
    ['Copy A1 of B1 in C1 of D1', 'Copy A1 in C1 of D1 of B1'],
    ['Send A1 to "b" and C1 from "d"', 'Send A1 from "d" to "b" and C1']
  ] as const) {
    assert.equal(compare(kept, asked).type, 'different', `${kept} | ${asked}`)
  }
})
