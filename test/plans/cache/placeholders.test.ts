import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPlaceholders, toNumber } from '../../../server/plans/cache/placeholders.ts'

const nothingKnown = () => false

function valuesIn(action: string, data: { field: string; value: string }[] = [], known: (word: string) => boolean = nothingKnown): string[] {
  return findPlaceholders(action, data, known).map(({ kind, text, start, end }) => {
    assert.ok(action.slice(start, end).includes(text), 'the place is that of the text')
    return `${kind} ${text}`
  })
}

test('quoted texts, addresses, dates, times, codes and numbers in an action are values', () => {
  const cases: [string, string[]][] = [
    ['Refund order ORD-123 and order cust98765.', ['code ORD-123', 'code cust98765']],
    ['Mail anna.smith@example.com the page https://example.com/a?b=1.', ['email anna.smith@example.com', 'url https://example.com/a?b=1']],
    ["Send \"two words\" and “others” to the customer's queue 'urgent'", ['quoted two words', 'quoted others', 'quoted urgent']],
    [
      'Book 2026-11-24, 24.12.2026, 3rd of May 2027 or Nov 24 at 10:30 pm',
      ['date 2026-11-24', 'date 24.12.2026', 'date 3rd of May 2027', 'date Nov 24', 'time 10:30 pm']
    ],
    ['Order 3 items for $1,250.50 at -5 degrees', ['number 3', 'number 1,250.50', 'number -5']],
    ['Between 5-7 days', ['number 5', 'number 7']],
    ['Order #1234 and A4', ['number 1234', 'code A4']]
  ]
  for (const [action, expected] of cases) assert.deepEqual(valuesIn(action), expected, action)
})

test('the unit of a number is no part of the value', () => {
  assert.deepEqual(valuesIn('Order 5kg or 10% or 3.5 tons'), ['number 5', 'number 10', 'number 3.5'])
})

test('a name that is in the data is a value where it stands in the action', () => {
  const data = [{ field: 'customer', value: 'Anna Smith' }]
  assert.deepEqual(valuesIn('Tell Anna Smith that Anna Smithers left', data), ['value Anna Smith'])
  assert.deepEqual(valuesIn('Ship to 12 Main Street', [{ field: 'address', value: '12 Main Street' }]), ['value 12 Main Street'])
})

test('a word that the services use of themselves, or that says what to do, is no value', () => {
  const known = (word: string) => ['flight', 'hotel', 'refund'].includes(word)
  assert.deepEqual(valuesIn('Book a Flight', [{ field: 'kind', value: 'Flight' }], known), [])
  assert.deepEqual(valuesIn('Run "refund" for ORD-1', [], known), ['code ORD-1'])
  assert.deepEqual(valuesIn('Cancel it', [{ field: 'reason', value: 'Cancel' }]), [])
})

test('a number is read with commas between thousands, and nothing else is a number', () => {
  assert.equal(toNumber('1,250.5'), 1250.5)
  assert.ok(Number.isNaN(toNumber('ORD-1')))
  assert.ok(Number.isNaN(toNumber(' ')))
})
