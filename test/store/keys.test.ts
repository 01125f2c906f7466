import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type Database, openDatabase } from '../../server/store/database.ts'
import { createKeyStore } from '../../server/store/keys.ts'
import { loadPepper } from '../../server/store/pepper.ts'

const fresh = { name: 'laptop', role: 'user', lane: 'normal' } as const
let home: string
let db: Database

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'outpost-keys-'))
  db = openDatabase(join(home, 'outpost.db'))
})
afterEach(() => {
  db.close()
  rmSync(home, { recursive: true })
})

const openStore = () => createKeyStore(db, { pepper: loadPepper(home) })

test('a new key is recognised by its secret, also after a restart', () => {
  const { key, secret } = openStore().create(fresh)
  assert.match(secret, /^op-[A-Za-z0-9_-]{43}$/)
  assert.deepEqual(openStore().authenticate(secret), { client: { id: key.id, name: 'laptop', role: 'user', lane: 'normal' } })
})

test('the database holds neither the secret nor a digest that works without the pepper', () => {
  const { secret, key } = openStore().create(fresh)
  db.pragma('wal_checkpoint(TRUNCATE)')
  assert.ok(!readFileSync(join(home, 'outpost.db')).includes(secret.slice(12)))
  assert.equal(JSON.stringify(openStore().list()).includes(secret), false)
  assert.equal(key.prefix, secret.slice(0, 9))
  const other = createKeyStore(db, { pepper: Buffer.alloc(32) })
  assert.deepEqual(other.authenticate(secret), { error: 'unknown' })
})

test('a secret that only begins like a key is unknown', () => {
  const store = openStore()
  const { secret } = store.create(fresh)
  assert.deepEqual(store.authenticate(secret.slice(0, -1)), { error: 'unknown' })
  assert.deepEqual(store.authenticate(`${secret}x`), { error: 'unknown' })
  assert.deepEqual(store.authenticate(''), { error: 'unknown' })
})

test('a revoked key is refused at once and its listeners hear of it once', () => {
  const store = openStore()
  const { key, secret } = store.create(fresh)
  const heard: string[] = []
  const stop = store.onRevoked((id) => heard.push(id))
  assert.notEqual(store.revoke(key.id).revokedAt, null)
  store.revoke(key.id)
  assert.deepEqual(heard, [key.id])
  assert.deepEqual(store.authenticate(secret), { error: 'revoked' })
  assert.deepEqual(openStore().authenticate(secret), { error: 'revoked' })
  assert.equal(store.anyActive(), false)
  stop()
})

test('rotation keeps the key, voids the old secret and ends what runs on it', () => {
  const store = openStore()
  const { key, secret } = store.create(fresh)
  const heard: string[] = []
  store.onRevoked((id) => heard.push(id))
  const rotated = store.rotate(key.id)
  assert.equal(rotated.key.id, key.id)
  assert.deepEqual(store.authenticate(secret), { error: 'unknown' })
  assert.ok('client' in store.authenticate(rotated.secret))
  assert.deepEqual(heard, [key.id])
})

test('a revoked key cannot be rotated and an unknown one cannot be revoked', () => {
  const store = openStore()
  const { key } = store.create(fresh)
  store.revoke(key.id)
  assert.throws(() => store.rotate(key.id), { code: 'conflict' })
  assert.throws(() => store.revoke('key-none'), { code: 'not_found' })
})

test('the time of last use is known at once but written at most once a minute', () => {
  const store = openStore()
  const { key, secret } = store.create(fresh)
  store.authenticate(secret)
  const written = db.prepare('SELECT total_changes() AS n').get() as { n: number }
  for (let i = 0; i < 100; i++) store.authenticate(secret)
  assert.deepEqual(db.prepare('SELECT total_changes() AS n').get(), written)
  assert.notEqual(store.list().find(({ id }) => id === key.id)?.lastUsedAt, null)
})

test('the bootstrap key follows its variable, and stays revoked until that changes', () => {
  const store = openStore()
  store.ensureBootstrap('a bootstrap secret')
  const authentication = store.authenticate('a bootstrap secret')
  assert.ok('client' in authentication && authentication.client.role === 'administrator')
  store.revoke('bootstrap')
  store.ensureBootstrap('a bootstrap secret')
  assert.deepEqual(store.authenticate('a bootstrap secret'), { error: 'revoked' })
  store.ensureBootstrap('another bootstrap secret')
  assert.ok('client' in store.authenticate('another bootstrap secret'))
  store.ensureBootstrap(undefined)
  assert.deepEqual(openStore().authenticate('another bootstrap secret'), { error: 'unknown' })
})

test('the pepper is made once, for its owner only, and a damaged one is named', () => {
  const pepper = loadPepper(home)
  assert.deepEqual(loadPepper(home), pepper)
  if (process.platform !== 'win32') assert.equal(statSync(join(home, 'secret')).mode & 0o777, 0o600)
  writeFileSync(join(home, 'secret'), 'short')
  assert.throws(() => loadPepper(home), /secret must hold 32 bytes/)
})

test('a key of a project says so, looks as its clients expect, and does so after a restart and a rotation', () => {
  const { key, secret } = openStore().create({ ...fresh, role: 'project', project: 'p_1' })
  assert.match(secret, /^sk-orra-v1-[0-9a-f]{64}$/)
  assert.deepEqual([key.projectId, key.prefix], ['p_1', secret.slice(0, 17)])
  const client = { id: key.id, name: 'laptop', role: 'project', lane: 'normal', projectId: 'p_1' }
  assert.deepEqual(openStore().authenticate(secret), { client })
  const rotated = openStore().rotate(key.id).secret
  assert.match(rotated, /^sk-orra-v1-/)
  assert.deepEqual(openStore().authenticate(rotated), { client })
})
