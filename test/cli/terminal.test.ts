import assert from 'node:assert/strict'
import test from 'node:test'
import { waitingText } from '../../server/cli/answer.ts'
import { harmless, inTime, table } from '../../server/cli/terminal.ts'

test('a table has columns as wide as their widest cell, and no blanks at line ends', () => {
  assert.equal(
    table(
      ['ID', 'STATE', ''],
      [
        ['long-name', 'ready', ''],
        ['x', 'pulling 40 %', 'why']
      ]
    ),
    'ID         STATE\nlong-name  ready\nx          pulling 40 %  why'
  )
})

test('what a model writes cannot steer the terminal', () => {
  assert.equal(harmless('a\u001b[2Jb\u0007c\u009b31md\r\ne\tf'), 'a[2Jbc31md\ne\tf')
})

test('times and places are told in words', () => {
  assert.deepEqual([0, 59_400, 75_000, 3_660_000, 90_000_000].map(inTime), ['0 s', '59 s', '1 min 15 s', '1 h 1 min', '1 d 1 h'])
  const place = (position: number) => waitingText({ type: 'job-queued', position, etaMs: null })
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(place), [
    '1st in line',
    '2nd in line',
    '3rd in line',
    '4th in line',
    '11th in line',
    '12th in line',
    '13th in line',
    '21st in line',
    '102nd in line',
    '111th in line'
  ])
  assert.equal(waitingText({ type: 'job-queued', position: 3, etaMs: 12_000 }), '3rd in line, about 12 s')
  assert.equal(waitingText({ type: 'model-load', percent: 40 }), 'loading 40 %')
})
