import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { type CachedPlan, createPlanCacheStore } from '../../server/store/plan-cache.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'

function openStore(t: TestContext) {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  return createPlanCacheStore(db)
}

function cached(id: string, more: Partial<CachedPlan> = {}) {
  return {
    id,
    projectId: 'p_1',
    scope: 'scope',
    key: id,
    conditions: '[]',
    words: ['refund'],
    fields: ['orderId'],
    action: 'Refund',
    planId: 'o_1',
    body: '{}',
    model: 'm',
    vector: undefined as Float32Array | undefined,
    createdAt: 1,
    ...more
  }
}

/** 16 values of these signs; those that are not given are 1. */
function towards(signs: number[]): Float32Array {
  return Float32Array.from({ length: 16 }, (_, index) => signs[index] ?? 1)
}

test('the nearest vectors of one scope and one model are found, also after others were removed', (t) => {
  const store = openStore(t)
  store.insert(cached('exact', { vector: towards([1, -1, 1]) }), 10)
  store.insert(cached('near', { vector: towards([1, -1, -1]) }), 10)
  store.insert(cached('far', { vector: towards([-1, 1, -1, -1, -1]) }), 10)
  store.insert(cached('elsewhere', { scope: 'other', vector: towards([1, -1, 1]) }), 10)
  store.insert(cached('stranger', { model: 'other', vector: towards([1, -1, 1]) }), 10)
  store.insert(cached('no vector'), 10)
  const near = (count: number) => store.near('scope', 'm', towards([1, -1, 1]), count).map(({ id }) => id)
  assert.deepEqual(near(2), ['exact', 'near'])
  assert.ok(store.remove('exact'))
  assert.deepEqual(near(2), ['near', 'far'])
  assert.deepEqual(store.near('scope', 'm', towards([1, -1, 1]), 1)[0]?.vector, towards([1, -1, -1]))
})

test('vectors of several lengths live side by side, also one that fills no whole byte', (t) => {
  const store = openStore(t)
  store.insert(cached('short', { vector: Float32Array.of(1, -1, 1) }), 10)
  store.insert(cached('long', { vector: towards([1]) }), 10)
  assert.deepEqual(
    store.near('scope', 'm', Float32Array.of(1, -1, 1), 5).map(({ id }) => id),
    ['short']
  )
})

test('beyond the limit the least recently used leave, with their vectors', (t) => {
  const store = openStore(t)
  store.insert(cached('one', { createdAt: 1, vector: towards([1]) }), 2)
  store.insert(cached('two', { createdAt: 2, vector: towards([1]) }), 2)
  store.noteHit('one', 3)
  assert.equal(store.insert(cached('three', { createdAt: 4, vector: towards([1]) }), 2), 1)
  assert.deepEqual(
    store.list('p_1').map(({ id, hits, lastHitAt }) => [id, hits, lastHitAt]),
    [
      ['three', 0, null],
      ['one', 1, 3]
    ]
  )
  assert.equal(store.near('scope', 'm', towards([1]), 5).length, 2)
})

test('one with the same key and conditions takes the place of the one before; with other conditions it stands beside it', (t) => {
  const store = openStore(t)
  store.insert(cached('one', { key: 'k' }), 10)
  store.insert(cached('two', { key: 'k' }), 10)
  store.insert(cached('three', { key: 'k', conditions: '[1]' }), 10)
  assert.deepEqual(
    store.withKey('p_1', 'scope', 'k', 10).map(({ id }) => id),
    ['three', 'two']
  )
  assert.deepEqual([store.hasKey('p_1', 'k'), store.hasKey('p_2', 'k')], [true, false])
  assert.equal(store.removeOld('p_1', 1), 0)
  assert.equal(store.removeOld('p_1', 2), 2)
})
