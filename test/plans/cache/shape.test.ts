import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toShape } from '../../../server/plans/cache/shape.ts'

const key = (action: string, data: { field: string; value: unknown }[] = []) => toShape(action, data as never, () => false).key

test('actions that differ in values, articles, courtesy and spelling only have the same key', () => {
  const same = [
    'Refund the order ORD-1',
    'refund order ORD-22.',
    'Please refund the order X9!',
    "I'd like to refund order A1, please",
    'Refund  order\nA1'
  ]
  assert.equal(new Set(same.map((action) => key(action))).size, 1)
  assert.equal(key('Summarise the e-mail'), key('Summarize the email'))
})

test('actions that ask for something else never have the same key', () => {
  const pairs: [string, string][] = [
    ['Cancel order A1', 'Create order A1'],
    ['Ship A1 with insurance', 'Ship A1 without insurance'],
    ['Notify the customer', "Don't notify the customer"],
    ['Book a flight from Paris to Rome', 'Book a flight from Rome to Paris'],
    ['List orders over 100', 'List orders under 100'],
    ['List orders > 100', 'List orders < 100'],
    ['Order 5kg steel', 'Order 5t steel'],
    ['Pay $5', 'Pay €5'],
    ['Ship order A1', 'Ship order A1?'],
    ['Order three items', 'Order two items'],
    ['Send A1 on 2026-01-01', 'Send A1 on Monday'],
    ['Lock the door', 'Unlock the door'],
    ['Restart it always', 'Restart it never']
  ]
  for (const [one, other] of pairs) assert.notEqual(key(one), key(other), `${one} | ${other}`)
})

test('data counts by names and types, not by values or order', () => {
  const one = [
    { field: 'a', value: 'x' },
    { field: 'b', value: 1 }
  ]
  assert.equal(
    key('Go', one),
    key('Go', [
      { field: 'b', value: 2 },
      { field: 'a', value: 'y' }
    ])
  )
  assert.notEqual(key('Go', one), key('Go', [{ field: 'a', value: 'x' }]))
  assert.notEqual(
    key('Go', one),
    key('Go', [
      { field: 'a', value: ['x'] },
      { field: 'b', value: 1 }
    ])
  )
})

test('what is embedded has numbered placeholders and the names of the data, and no value', () => {
  const { text } = toShape('Move A1 to "shelf nine"', [{ field: 'until', value: 'tomorrow' }], () => false)
  assert.equal(text, 'Move {1} to {2}:::until')
})
