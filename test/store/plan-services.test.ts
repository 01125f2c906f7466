import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { createPlanServiceStore, type ServiceContent } from '../../server/store/plan-services.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { type Ending, onEnd } from '../helpers/on-end.ts'

const content: ServiceContent = {
  kind: 'service',
  name: 'echo',
  description: 'says it again',
  input: { type: 'object', properties: { message: { type: 'string', enum: ['a', 'b'] } }, required: ['message'] },
  output: { type: 'object', properties: { echo: { type: 'number', minimum: 0.5 } } },
  revertible: true,
  approval: false,
  origin: 'connected'
}

function openStore(t: Ending, file = join(temporaryFolder(t), 'outpost.db')) {
  const db = openDatabase(file)
  onEnd(t, () => db.close())
  return { db, file, store: createPlanServiceStore(db) }
}

test('each registration is one version more, and every version can be found again after a restart', (t) => {
  const { store, file } = openStore(t)
  const first = store.register('p_1', 's_a', content)
  assert.equal(first.version, 1)
  assert.equal(store.register('p_1', 's_a', { ...content, description: 'louder', kind: 'agent' }).version, 2)
  const third = store.register('p_1', 's_a', { ...content, description: 'softer' })

  for (const each of [store, openStore(t, file).store]) {
    assert.deepEqual(each.find('p_1', 's_a'), third)
    assert.deepEqual(each.at('s_a', 1), first)
    assert.equal(each.at('s_a', 2)?.description, 'louder')
    assert.equal(each.at('s_a', 2)?.kind, 'agent')
    assert.equal(each.at('s_a', 3)?.version, 3)
    assert.equal(each.at('s_a', 4), undefined)
    assert.equal(each.at('s_a', 0), undefined)
    assert.equal(each.at('s_b', 1), undefined)
  }
})

test('a program that registers what it said before gets its next version, and the database does not grow', (t) => {
  const { store, db, file } = openStore(t)
  store.register('p_1', 's_a', content)
  for (let version = 2; version <= 50; version++) assert.equal(store.register('p_1', 's_a', structuredClone(content)).version, version)
  assert.equal(openStore(t, file).store.register('p_1', 's_a', content).version, 51, 'also after a restart')
  assert.deepEqual(db.prepare('SELECT count(*) AS rows FROM plan_service_contents').get(), { rows: 1 })
  assert.equal(store.at('s_a', 17)?.version, 17)
})

test('the list has the newest version of each service of the project, in the order of their ids', (t) => {
  const { store } = openStore(t)
  store.register('p_1', 's_b', content)
  store.register('p_1', 's_a', content)
  store.register('p_1', 's_a', { ...content, name: 'newer' })
  store.register('p_2', 's_c', content)
  assert.deepEqual(
    store.list('p_1').map(({ id, name, version }) => ({ id, name, version })),
    [
      { id: 's_a', name: 'newer', version: 2 },
      { id: 's_b', name: 'echo', version: 1 }
    ]
  )
  assert.equal(store.list('p_1'), store.list('p_1'), 'without making it again')
  assert.deepEqual(store.list('p_3'), [])
})

test('a removed service is not listed any more, plans that have it still find it, and registering brings it back', (t) => {
  const { store, file } = openStore(t)
  store.register('p_1', 's_a', content)
  store.remove('p_1', 's_a')
  for (const each of [store, openStore(t, file).store]) {
    assert.deepEqual(each.list('p_1'), [])
    assert.throws(() => each.find('p_1', 's_a'), { code: 'not_found' })
    assert.equal(each.at('s_a', 1)?.name, 'echo')
    assert.throws(() => each.remove('p_1', 's_a'), { code: 'not_found' })
  }
  assert.equal(store.register('p_1', 's_a', content).version, 2)
  assert.equal(openStore(t, file).store.list('p_1').length, 1)
})

test('a project cannot see, change or remove a service of another one', (t) => {
  const { store } = openStore(t)
  store.register('p_1', 's_a', content)
  assert.equal(store.has('p_2', 's_a'), false)
  assert.throws(() => store.find('p_2', 's_a'), { code: 'not_found' })
  assert.throws(() => store.register('p_2', 's_a', content), { code: 'not_found' })
  assert.throws(() => store.remove('p_2', 's_a'), { code: 'not_found' })
  assert.equal(store.find('p_1', 's_a').version, 1)
})

test('versions beyond those kept at hand are found in the database', (t) => {
  const { store, db } = openStore(t)
  db.transaction(() => {
    for (let version = 1; version <= 1102; version++) store.register('p_1', 's_a', { ...content, description: `words of ${version}` })
  })()
  for (const version of [1, 1101, ...Array.from({ length: 1100 }, (_, index) => index + 1), 1]) {
    assert.equal(store.at('s_a', version)?.description, `words of ${version}`)
  }
})
