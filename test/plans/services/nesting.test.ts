import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nestingOf } from '../../../server/plans/services/nesting.ts'

test('brackets are counted as they lie in one another, and those in texts are not', () => {
  const cases: [string, number][] = [
    ['5', 0],
    ['[]', 1],
    ['[[],[{"a":[1]}]]', 4],
    ['{"a":"[[[["}', 1],
    [JSON.stringify({ text: '\\"[{\\\\', more: ['"[', '\\'] }), 2],
    [JSON.stringify(['\\']), 1],
    ['["[[[', 1],
    ['"', 0],
    ['[['.repeat(50_000), 100_000]
  ]
  for (const [json, levels] of cases) assert.equal(nestingOf(json), levels, json.slice(0, 40))
})
