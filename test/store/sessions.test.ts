import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { createKeyStore } from '../../server/store/keys.ts'
import { createSessionStore, sessionMs } from '../../server/store/sessions.ts'
import { createSignInLinks } from '../../server/store/sign-in-links.ts'
import { temporaryFolder } from '../helpers/folder.ts'

const pepper = Buffer.alloc(32, 7)

function open(file = ':memory:', clock = { at: 1_000_000 }) {
  const db = openDatabase(file)
  const keys = createKeyStore(db, { pepper })
  return { db, keys, sessions: createSessionStore(db, { pepper, keys, now: () => clock.at }), clock }
}

test('a session lives for thirty days after its last use', () => {
  const { sessions, clock } = open()
  const { secret } = sessions.create('owner', 'browser')
  clock.at += sessionMs - 1
  assert.equal(sessions.authenticate(secret)?.client.role, 'owner')
  clock.at += sessionMs - 1
  assert.ok(sessions.authenticate(secret))
  clock.at += sessionMs
  assert.equal(sessions.authenticate(secret), undefined)
  assert.deepEqual(sessions.list(), [])
})

test('sessions are found again by the next process, but those of keys that went in between', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  const first = open(file)
  const { key } = first.keys.create({ name: 'k', role: 'user', lane: 'normal' })
  const owner = first.sessions.create('owner', 'browser')
  const user = first.sessions.create(key.id, 'browser')
  first.db.prepare('UPDATE keys SET revoked_at = ? WHERE id = ?').run('2026-01-01', key.id)
  first.db.close()
  const second = open(file)
  assert.equal(second.sessions.cookieName, first.sessions.cookieName)
  assert.ok(second.sessions.authenticate(owner.secret))
  assert.equal(second.sessions.authenticate(user.secret), undefined)
  second.db.close()
})

test('the oldest session of a client makes room for its fifty-first', () => {
  const { sessions, clock } = open()
  const first = sessions.create('owner', 'first')
  for (let i = 0; i < 50; i++) {
    clock.at++
    sessions.create('owner', String(i))
  }
  assert.equal(sessions.list().length, 50)
  assert.equal(sessions.authenticate(first.secret), undefined)
})

test('a link opens once and for ten minutes', () => {
  const clock = { at: 0 }
  const links = createSignInLinks(() => clock.at)
  const one = links.create()
  assert.equal(links.redeem('another'), false)
  assert.equal(links.redeem(one.token), true)
  assert.equal(links.redeem(one.token), false)
  const late = links.create()
  clock.at = late.expiresAt
  assert.equal(links.redeem(late.token), false)
})
