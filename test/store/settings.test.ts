import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { openDatabase } from '../../server/store/database.ts'
import { createSettingsStore, readSetting } from '../../server/store/settings.ts'
import { temporaryFolder } from '../helpers/folder.ts'

test('a setting is kept over a restart, with who changed it last', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  assert.equal(readSetting(file, 'x', z.string()), undefined, 'no database yet')
  const db = openDatabase(file)
  const settings = createSettingsStore(db)
  assert.equal(settings.get('x', z.string()), undefined)
  settings.set('x', 'one', 'key-1')
  settings.set('x', 'two', 'key-2')
  assert.equal(settings.get('x', z.string()), 'two')
  assert.deepEqual(db.prepare('SELECT name, changed_by FROM settings').all(), [{ name: 'x', changed_by: 'key-2' }])
  assert.equal(readSetting(file, 'x', z.string()), 'two', 'also read beside a running server')
  db.close()
  assert.equal(readSetting(file, 'x', z.string()), 'two')
})

test('a setting another version wrote is not passed over', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  const settings = createSettingsStore(db)
  settings.set('x', { rules: 1 }, 'owner')
  assert.throws(() => settings.get('x', z.string()), { code: 'internal_error', message: /setting x/ })
  db.close()
})
