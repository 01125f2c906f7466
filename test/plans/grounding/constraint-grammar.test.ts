import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Rule, readConstraint } from '../../../server/plans/grounding/constraint-grammar.ts'

const requires = (what: string, first: string): Rule => ({ type: 'requires', what: what.split('|'), first: first.split('|') })
const unbounded = Number.MAX_SAFE_INTEGER

test('a sentence that states a precondition is read, however it is put', () => {
  const same = requires('refunding', 'verify eligibility')
  for (const sentence of [
    'Verify eligibility before refunding.',
    'Before refunding, verify eligibility first',
    'Always verify eligibility before refunding'
  ]) {
    assert.deepEqual(readConstraint(sentence), same, sentence)
  }
  assert.deepEqual(readConstraint('Never refund without manager approval'), requires('refund', 'manager approval'))
  assert.deepEqual(readConstraint('Don’t ship until the payment is captured'), requires('ship', 'the payment is captured'))
  assert.deepEqual(readConstraint('Refund only after verifying eligibility'), requires('refund', 'verifying eligibility'))
  assert.deepEqual(readConstraint('Only refund if the order is eligible'), requires('refund', 'the order is eligible'))
  assert.deepEqual(readConstraint('A refund requires an eligibility check'), requires('a refund', 'an eligibility check'))
  assert.deepEqual(readConstraint('First check the stock, then reserve and ship'), requires('reserve|ship', 'check the stock'))
  assert.deepEqual(readConstraint('The stock check must precede shipping'), requires('shipping', 'the stock check'))
})

test('a sentence that states an order of two things is read', () => {
  assert.deepEqual(readConstraint('Notify the customer after shipping'), { type: 'order', first: ['shipping'], second: ['notify the customer'] })
  assert.deepEqual(readConstraint('After shipping, notify the customer'), { type: 'order', first: ['shipping'], second: ['notify the customer'] })
  assert.deepEqual(readConstraint('Verify the customer first'), { type: 'starts-with', what: ['verify the customer'] })
})

test('a sentence that states a number is read', () => {
  assert.deepEqual(readConstraint('At most one refund'), { type: 'count', what: 'refund', min: 0, max: 1 })
  assert.deepEqual(readConstraint('No more than 3 reminders'), { type: 'count', what: 'reminders', min: 0, max: 3 })
  assert.deepEqual(readConstraint('Never send reminders more than twice'), { type: 'count', what: 'send reminders', min: 0, max: 2 })
  assert.deepEqual(readConstraint('Exactly two reviews'), { type: 'count', what: 'reviews', min: 2, max: 2 })
  assert.deepEqual(readConstraint('Never delete accounts'), { type: 'count', what: 'delete accounts', min: 0, max: 0 })
  assert.deepEqual(readConstraint('Deleting accounts is not allowed'), { type: 'count', what: 'deleting accounts', min: 0, max: 0 })
  assert.deepEqual(readConstraint('Always notify the customer'), { type: 'count', what: 'notify the customer', min: 1, max: unbounded })
  assert.deepEqual(readConstraint('An eligibility check is required'), { type: 'count', what: 'an eligibility check', min: 1, max: unbounded })
  assert.deepEqual(readConstraint('Only use eligibility and refunds'), { type: 'only', what: ['eligibility', 'refunds'] })
})

test('what is none of that is left to the model and to people', () => {
  for (const sentence of [
    'Verify customer owns order',
    'Be polite',
    'At most one refund per customer',
    'If the order is old, verify it before refunding',
    'Refund within 14 days',
    'Verify it. Refund it before noon.'
  ]) {
    assert.equal(readConstraint(sentence), undefined, sentence)
  }
})
