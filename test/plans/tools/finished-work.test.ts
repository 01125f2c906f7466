import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFinishedWork } from '../../../server/plans/tools/finished-work.ts'

test('the oldest results go first when there are too many', () => {
  const finished = createFinishedWork({ entries: 2 })
  for (const key of ['a', 'b', 'c']) finished.keep(key, { key })
  assert.deepEqual([finished.find('a'), finished.find('b'), finished.find('c')], [undefined, { key: 'b' }, { key: 'c' }])
})

test('the oldest results go first when they are too large together', () => {
  const finished = createFinishedWork({ characters: 50 })
  finished.keep('a', { text: 'x'.repeat(20) })
  finished.keep('b', { text: 'x'.repeat(20) })
  assert.deepEqual([finished.find('a'), finished.find('b')], [undefined, { text: 'x'.repeat(20) }])
  finished.keep('b', {})
  finished.keep('c', { text: 'x'.repeat(20) })
  assert.deepEqual([finished.find('b'), finished.find('c')], [{}, { text: 'x'.repeat(20) }], 'a result that is kept again is counted once')
})

test('a result is as it was kept, whatever is done to what was given or got', () => {
  const finished = createFinishedWork()
  const output = { list: [1] }
  finished.keep('a', output)
  output.list.push(2)
  const got = finished.find('a') as { list: number[] }
  got.list.push(3)
  assert.deepEqual(finished.find('a'), { list: [1] })
})
