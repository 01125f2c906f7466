import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCsv } from '../../renderer/features/usage/csv.ts'
import { startOf } from '../../renderer/features/usage/period.ts'
import { cachedPercent, sumOf } from '../../renderer/features/usage/sums.ts'
import { groupLines } from '../../renderer/features/usage/usage-lines.ts'

const group = (changes: object = {}) => ({
  group: 'small',
  requests: 1,
  errors: 0,
  promptTokens: 10,
  cachedTokens: 4,
  completionTokens: 5,
  reasoningTokens: 0,
  meanQueueMs: 2,
  meanTtftMs: null,
  ...changes
})

test('a CSV file has CRLF lines, and quotes around what has commas, quotes or line breaks', () => {
  assert.equal(
    toCsv([
      ['a', 1, null],
      ['b,c', 'say "x"', 'two\nlines']
    ]),
    'a,1,\r\n"b,c","say ""x""","two\nlines"\r\n'
  )
})

test('no text of a CSV file is a formula to a spreadsheet, and numbers stay numbers', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', ' =1', '＝1']) assert.equal(toCsv([[text]]), `'${text}\r\n`)
  assert.equal(toCsv([['\r=1']]), `"'\r=1"\r\n`)
  assert.equal(toCsv([[-1.5, 'a-b']]), '-1.5,a-b\r\n')
})

test('a hostile name of a key stays text in the file', () => {
  const [, line] = groupLines('key', [group({ group: 'k1' })], () => '=HYPERLINK("https://x.example")')
  assert.ok(line !== undefined)
  assert.match(toCsv([line]), /^k1,"'=HYPERLINK\(""https:\/\/x\.example""\)",1,0,10,4,5,0,2,\r\n$/)
})

test('a period begins with a day of UTC and ends today', () => {
  const now = Date.UTC(2026, 10, 24, 18, 30)
  assert.equal(startOf('today', now), Date.UTC(2026, 10, 24))
  assert.equal(startOf('week', now), Date.UTC(2026, 10, 18))
  assert.equal(startOf('all', now), undefined)
})

test('sums weigh waits by requests, and nothing is divided by none', () => {
  const sums = sumOf([group({ requests: 3, meanQueueMs: 10 }), group({ errors: 1, meanQueueMs: 2 })])
  assert.deepEqual(sums, { requests: 4, errors: 1, promptTokens: 20, cachedTokens: 8, completionTokens: 10, meanQueueMs: 8 })
  assert.equal(sumOf([]).meanQueueMs, null)
  assert.equal(cachedPercent(sums), 40)
  assert.equal(cachedPercent(group({ promptTokens: 0, cachedTokens: 0 })), 0)
})
