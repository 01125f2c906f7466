import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'outpost-database-'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('a fresh database has its tables, and opening it again changes nothing', () => {
  const file = join(home, 'outpost.db')
  const first = openDatabase(file)
  const version = first.pragma('user_version', { simple: true })
  first.close()
  const again = openDatabase(file)
  assert.equal(again.pragma('user_version', { simple: true }), version)
  assert.equal(again.pragma('journal_mode', { simple: true }), 'wal')
  assert.equal(again.pragma('synchronous', { simple: true }), 1)
  assert.ok(again.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'usage'").get())
  again.close()
})

test('a database of a newer Outpost is refused with its schema number', () => {
  const file = join(home, 'outpost.db')
  const db = openDatabase(file)
  db.pragma('user_version = 900')
  db.close()
  assert.throws(() => openDatabase(file), { code: 'conflict', message: /newer Outpost \(schema 900/ })
})

test('a file that is no database is named', () => {
  const file = join(home, 'outpost.db')
  writeFileSync(file, 'not a database, but long enough to be read as the header of one'.repeat(20))
  assert.throws(() => openDatabase(file), { code: 'internal_error', message: /outpost\.db cannot be opened/ })
})
