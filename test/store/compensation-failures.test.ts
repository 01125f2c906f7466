import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCompensationFailureStore } from '../../server/store/compensation-failures.ts'
import { openDatabase } from '../../server/store/database.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { compensationFailure } from '../plans/webhooks/plan-records.ts'

test('compensation failures are listed newest first, each project’s own, and by plan in their order', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  const db = openDatabase(file)
  const first = compensationFailure()
  const second = compensationFailure({ id: 'c_2', taskId: 'task2', status: 'expired' })
  const other = compensationFailure({ id: 'c_3', projectId: 'p_2', planId: 'o_2' })
  for (const failure of [first, second, other]) createCompensationFailureStore(db).create(failure)
  db.close()
  const again = openDatabase(file)
  onEnd(t, () => again.close())
  const store = createCompensationFailureStore(again)
  assert.deepEqual(store.list('p_1'), [second, first])
  assert.deepEqual(store.ofPlan('o_1'), [first, second])
  assert.deepEqual(store.find('p_1', 'c_1'), first)
  for (const id of ['c_3', 'c_nope']) assert.throws(() => store.find('p_1', id), { code: 'not_found', message: new RegExp(id) })
})

test('a person settles a compensation failure, and the last word counts', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  let now = 1000
  const store = createCompensationFailureStore(db, () => now)
  store.create(compensationFailure())
  const ignored = store.settle('p_1', 'c_1', 'ignored', 'a test order')
  assert.deepEqual([ignored.resolutionState, ignored.resolution, ignored.resolvedAt], ['ignored', 'a test order', 1000])
  now = 2000
  store.settle('p_1', 'c_1', 'resolved', 'paid back by hand')
  const resolved = store.find('p_1', 'c_1')
  assert.deepEqual([resolved.resolutionState, resolved.resolution, resolved.resolvedAt], ['resolved', 'paid back by hand', 2000])
  assert.throws(() => store.settle('p_2', 'c_1', 'resolved', ''), { code: 'not_found' })
})
