import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { createTextVectorStore } from '../../server/store/text-vectors.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'

const oneDay = 24 * 60 * 60 * 1000

test('a vector is kept by text and model, and goes when nobody asked for it in 30 days', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  const store = createTextVectorStore(db)
  store.put('m', [{ text: 'asked for', vector: Float32Array.of(1, 2) }], 0)
  store.put('m', [{ text: 'forgotten', vector: Float32Array.of(3, 4) }], 0)
  assert.deepEqual(store.find('m', 'asked for', 20 * oneDay), Float32Array.of(1, 2))
  assert.equal(store.find('other', 'asked for', 20 * oneDay), undefined)
  store.put('m', [{ text: 'new', vector: Float32Array.of(5) }], 31 * oneDay)
  assert.deepEqual(store.find('m', 'asked for', 31 * oneDay), Float32Array.of(1, 2))
  assert.equal(store.find('m', 'forgotten', 31 * oneDay), undefined)
})
