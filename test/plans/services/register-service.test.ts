import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { registerService } from '../../../server/plans/services/register-service.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createPlanServiceStore } from '../../../server/store/plan-services.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { type Ending, onEnd } from '../../helpers/on-end.ts'

const schema = { type: 'object', properties: { text: { type: 'string', minLength: 1 } } }
const registration = { name: 'echo', description: 'says it again', schema: { input: schema, output: schema }, revertible: true }

function openStore(t: Ending) {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  return createPlanServiceStore(db)
}

test('a program gets an id with its first registration, keeps it with the next ones, and hears what is not used', (t) => {
  const store = openStore(t)
  const { service, warnings } = registerService(store, 'p_1', 'agent', { ...registration, id: null })
  assert.match(service.id, /^s_[a-z]{28}$/)
  assert.equal(service.kind, 'agent')
  assert.equal(warnings.length, 2)
  const again = registerService(store, 'p_1', 'agent', { ...registration, id: service.id }).service
  assert.deepEqual([again.id, again.version], [service.id, 2])
  assert.deepEqual(store.list('p_1'), [again])
})

test('an id that is not this project’s is not taken over', (t) => {
  const store = openStore(t)
  const { service } = registerService(store, 'p_1', 'service', { ...registration, id: '' })
  assert.throws(() => registerService(store, 'p_2', 'service', { ...registration, id: service.id }), { code: 'not_found', param: 'id' })
  assert.throws(() => registerService(store, 'p_1', 'service', { ...registration, id: 's_unknown' }), { code: 'not_found', param: 'id' })
})
