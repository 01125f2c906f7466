import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { outpost } from '../cli/outpost.ts'
import { temporaryFolder } from '../helpers/folder.ts'

/** What a start that cannot be says: one line, and exit code 1. */
async function refused(t: Parameters<typeof outpost>[0], home: string, env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await outpost(t, ['serve', '--port', '0'], { home, env })
  assert.deepEqual([code, stdout], [1, ''], stderr)
  assert.match(stderr, /^outpost: .+\n$/, 'one line')
  return stderr
}

test('a home folder that is a file, or lies below one, is refused naming it', async (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, '')
  assert.match(await refused(t, file), /the home folder \S+file cannot be used \(\w+\): make it writable, or set OUTPOST_HOME/)
  assert.match(await refused(t, join(file, 'below')), /the home folder \S+below cannot be used \(ENOTDIR\)/)
})

test('a home folder that cannot be written is refused naming it', async (t) => {
  // Nobody may write below /proc, not even root, whom modes do not hold.
  const home = process.getuid?.() === 0 ? '/proc/outpost' : join(temporaryFolder(t), 'home')
  if (home !== '/proc/outpost') {
    mkdirSync(home)
    chmodSync(home, 0o500)
  }
  assert.match(await refused(t, home), /the home folder \S+ cannot be used \(\w+\): make it writable/)
})

test('a database of a newer Outpost is refused, and left as it is', async (t) => {
  const home = temporaryFolder(t)
  const file = join(home, 'outpost.db')
  const db = openDatabase(file)
  db.pragma('user_version = 999')
  db.close()
  assert.match(
    await refused(t, home),
    /the database \S+outpost\.db was written by a newer Outpost \(schema 999, this one knows \d+\); update Outpost/
  )
})

test('a database that is none is refused naming it', async (t) => {
  const home = temporaryFolder(t)
  writeFileSync(join(home, 'outpost.db'), 'not a database '.repeat(1000))
  assert.match(await refused(t, home), /the database \S+outpost\.db cannot be opened: file is not a database; restore it/)
})

test('a variable that makes no sense is refused naming it', async (t) => {
  const home = temporaryFolder(t)
  assert.match(await refused(t, home, { OUTPOST_THREADS: 'many' }), /OUTPOST_THREADS: must be a whole number, got "many"/)
})
