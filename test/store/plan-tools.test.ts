import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ToolboxSpec } from '#contracts/plan-tools.ts'
import { openDatabase } from '../../server/store/database.ts'
import { createPlanToolStore, type ToolboxRow } from '../../server/store/plan-tools.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'

function open(t: TestContext) {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  return { db, store: createPlanToolStore(db) }
}

const row = (id: string, more: Partial<ToolboxRow> = {}): ToolboxRow => ({
  id,
  projectId: 'p_1',
  spec: ToolboxSpec.parse({ kind: 'llm', name: id }),
  described: [],
  registered: [],
  addedAt: 1,
  addedBy: 'key-1',
  ...more
})

test('toolboxes are kept as they were given, in the order they were added', (t) => {
  const { store } = open(t)
  store.add(row('b'))
  store.add(row('a'))
  assert.deepEqual(store.list(), [row('b'), row('a')])
  const changed = row('b', { described: [{ name: 'x' }], registered: [{ id: 's' }] })
  store.update(changed)
  assert.deepEqual(store.list(), [changed, row('a')])
  store.remove('b')
  assert.deepEqual(store.list(), [row('a')])
})

test('a name is taken once in a project', (t) => {
  const { store } = open(t)
  store.add(row('a'))
  const { spec } = row('a')
  assert.throws(() => store.add(row('b', { spec })), { code: 'conflict' })
  store.add(row('c', { spec, projectId: 'p_2' }))
  assert.equal(store.list().length, 2)
})

test('a change that fails in the middle changes nothing', (t) => {
  const { store } = open(t)
  const fail = () => {
    store.add(row('a'))
    throw new Error('in the middle')
  }
  assert.throws(() => store.atomically(fail), { message: 'in the middle' })
  assert.deepEqual(store.list(), [])
})

test('a toolbox that another version wrote is not passed over', (t) => {
  const { db, store } = open(t)
  store.add(row('a'))
  db.prepare('UPDATE plan_toolboxes SET spec = ?').run('{"kind":"carrier-pigeon"}')
  assert.throws(() => store.list(), { code: 'internal_error', message: /toolbox a/ })
})
