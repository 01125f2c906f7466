import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { createPlanProjectStore } from '../../server/store/plan-projects.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'

function opener(t: TestContext) {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => void db.close())
  let count = 0
  return () => createPlanProjectStore(db, { newId: () => `p_${++count}`, now: () => count })
}

test('the server has a project of its own from the start, and after a restart the same one', (t) => {
  const open = opener(t)
  const { own } = open()
  assert.deepEqual([own.name, open().own], ['outpost', own])
})

test('projects are kept in their order', (t) => {
  const open = opener(t)
  const store = open()
  const made = [store.create('shop'), store.create('shop'), store.create('')]
  assert.deepEqual(
    open()
      .list()
      .map(({ id }) => id),
    [store.own.id, ...made.map(({ id }) => id)]
  )
  assert.deepEqual(open().find(made[1]?.id ?? ''), made[1])
})

test('one that was just made can be taken back, the own one cannot', (t) => {
  const open = opener(t)
  const store = open()
  const { id } = store.create('shop')
  store.remove(id)
  assert.throws(() => store.find(id), /there is no project "p_2"/)
  assert.throws(() => open().find(id), /there is no project/)
  assert.throws(() => store.remove(store.own.id), /cannot be removed/)
})
