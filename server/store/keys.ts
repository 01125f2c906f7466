import { createHmac, randomBytes } from 'node:crypto'
import type { Key, KeyRole, NewKey } from '#contracts/key.ts'
import { type Client, Key as KeySchema } from '#contracts/key.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Database } from './database.ts'

/** A key just made, with its secret: shown this once and never again. */
export type FreshKey = { key: Key; secret: string }
export type Authentication = { client: Client } | { error: 'unknown' | 'revoked' }

export type KeyStore = {
  create(fresh: NewKey): FreshKey
  /** Newest first, revoked ones included. */
  list(): Key[]
  /** One HMAC and one lookup by the whole digest. Constant work for known and unknown secrets. */
  authenticate(secret: string): Authentication
  /** At once, also for what is running: `onRevoked` listeners are called before it returns. Throws `not_found`. Again is no error. */
  revoke(id: string): Key
  /** A new secret for the same key; the old one is unknown from now on, and streams that run on with it end. Throws `not_found`, `conflict` when revoked. */
  rotate(id: string): FreshKey
  /** Called with the key's id when its secret loses its validity. Returns how to stop listening. */
  onRevoked(listener: (id: string) => void): () => void
  /** Makes the administrator's key `bootstrap` be `secret`; undefined: there is none. One that was revoked stays revoked until the secret changes. */
  ensureBootstrap(secret: string | undefined): void
  /** Whether any key could be used now. */
  anyActive(): boolean
  /** Whom a valid key stands for; undefined: unknown or revoked. */
  clientOf(id: string): Client | undefined
}

type Entry = { key: Key; digest: Buffer; client: Client; writtenUseAt: number }
type KeyRow = {
  id: string
  name: string
  role: string
  lane: string
  prefix: string
  digest: Buffer
  created_at: string
  last_used_at: string | null
  revoked_at: string | null
  project_id: string | null
}

const bootstrapId = 'bootstrap'
/** How old the stored time of last use may get, so that a busy key costs one write a minute and not one a request. */
const useWriteMs = 60_000

export function createKeyStore(db: Database, options: { pepper: Buffer; log?: Log }): KeyStore {
  const byDigest = new Map<string, Entry>()
  const byId = new Map<string, Entry>()
  const listeners = new Set<(id: string) => void>()
  const statements = {
    insert: db.prepare('INSERT INTO keys (id, name, role, lane, prefix, digest, created_at, project_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    use: db.prepare('UPDATE keys SET last_used_at = ? WHERE id = ?'),
    revoke: db.prepare('UPDATE keys SET revoked_at = ? WHERE id = ?'),
    secret: db.prepare('UPDATE keys SET digest = ?, prefix = ?, revoked_at = NULL WHERE id = ?'),
    remove: db.prepare('DELETE FROM keys WHERE id = ?')
  }

  const digestOf = (secret: string) => createHmac('sha256', options.pepper).update(secret).digest()
  const remember = (key: Key, digest: Buffer) => {
    const entry: Entry = {
      key,
      digest,
      client: {
        id: key.id,
        name: key.name,
        role: key.role,
        lane: key.lane,
        ...(key.projectId === null ? {} : { projectId: key.projectId })
      },
      writtenUseAt: key.lastUsedAt === null ? 0 : Date.parse(key.lastUsedAt)
    }
    byDigest.set(digest.toString('latin1'), entry)
    byId.set(key.id, entry)
  }
  const forget = (entry: Entry) => {
    byDigest.delete(entry.digest.toString('latin1'))
    byId.delete(entry.key.id)
  }
  const announce = (id: string) => {
    for (const listener of listeners) listener(id)
  }
  const find = (id: string): Entry => {
    const entry = byId.get(id)
    if (entry === undefined) throw new AppError('not_found', `there is no key ${JSON.stringify(id.slice(0, 64))}; list the keys for their ids`)
    return entry
  }
  const store = (id: string, { name, role, lane, project }: NewKey, secret: string): Key => {
    const digest = digestOf(secret)
    if (byDigest.has(digest.toString('latin1'))) throw new AppError('conflict', 'another key has this very secret; choose another one')
    const key: Key = {
      id,
      name,
      role,
      lane,
      prefix: prefixOf(secret),
      createdAt: new Date().toISOString(),
      lastUsedAt: null,
      revokedAt: null,
      projectId: project ?? null
    }
    statements.insert.run(id, name, role, lane, key.prefix, digest, key.createdAt, key.projectId)
    remember(key, digest)
    return { ...key }
  }
  const replaceSecret = (entry: Entry, secret: string): Key => {
    const digest = digestOf(secret)
    const key: Key = { ...entry.key, prefix: prefixOf(secret), revokedAt: null }
    statements.secret.run(digest, key.prefix, key.id)
    forget(entry)
    remember(key, digest)
    announce(key.id)
    return { ...key }
  }

  for (const row of db.prepare<[], KeyRow>('SELECT * FROM keys').all()) remember(fromRow(row), row.digest)

  return {
    create(fresh) {
      const secret = newSecret(fresh.role)
      const key = store(`key-${randomBytes(6).toString('hex')}`, fresh, secret)
      options.log?.info({ keyId: key.id, role: key.role, projectId: key.projectId }, 'key created')
      return { key, secret }
    },
    list: () => [...byId.values()].map(({ key }) => ({ ...key })).sort((one, other) => other.createdAt.localeCompare(one.createdAt)),
    authenticate(secret) {
      const entry = byDigest.get(digestOf(secret).toString('latin1'))
      if (entry === undefined) return { error: 'unknown' }
      if (entry.key.revokedAt !== null) return { error: 'revoked' }
      const now = Date.now()
      if (now - entry.writtenUseAt > useWriteMs) {
        entry.writtenUseAt = now
        entry.key.lastUsedAt = new Date(now).toISOString()
        statements.use.run(entry.key.lastUsedAt, entry.key.id)
      }
      return { client: entry.client }
    },
    revoke(id) {
      const entry = find(id)
      if (entry.key.revokedAt === null) {
        entry.key.revokedAt = new Date().toISOString()
        statements.revoke.run(entry.key.revokedAt, id)
        options.log?.info({ keyId: id }, 'key revoked')
        announce(id)
      }
      return { ...entry.key }
    },
    rotate(id) {
      const entry = find(id)
      if (entry.key.revokedAt !== null) throw new AppError('conflict', `the key ${id} is revoked and gets no new secret; create another one`)
      if (id === bootstrapId) throw new AppError('conflict', 'the bootstrap key comes from OUTPOST_ADMIN_KEY; change it there')
      const secret = newSecret(entry.key.role)
      const key = replaceSecret(entry, secret)
      options.log?.info({ keyId: id }, 'key rotated')
      return { key, secret }
    },
    onRevoked(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    ensureBootstrap(secret) {
      const entry = byId.get(bootstrapId)
      if (secret === undefined) {
        if (entry === undefined) return
        statements.remove.run(bootstrapId)
        forget(entry)
        announce(bootstrapId)
      } else if (entry === undefined) {
        store(bootstrapId, { name: 'OUTPOST_ADMIN_KEY', role: 'administrator', lane: 'interactive' }, secret)
      } else if (!entry.digest.equals(digestOf(secret))) {
        replaceSecret(entry, secret)
      } else if (entry.key.revokedAt !== null) {
        options.log?.warn({ keyId: bootstrapId }, 'the key in OUTPOST_ADMIN_KEY was revoked and stays so; set a new one')
      }
    },
    anyActive: () => [...byId.values()].some(({ key }) => key.revokedAt === null),
    clientOf(id) {
      const entry = byId.get(id)
      return entry?.key.revokedAt === null ? entry.client : undefined
    }
  }
}

/** 256 random bits; the prefix tells people and secret scanners whose key it is. Clients of the plan engine look for the one of its keys. */
function newSecret(role: KeyRole): string {
  return role === 'project' ? `sk-orra-v1-${randomBytes(32).toString('hex')}` : `op-${randomBytes(32).toString('base64url')}`
}

/** Enough to tell keys apart, far too little to guess one: at most a quarter of the secret. */
function prefixOf(secret: string): string {
  const told = secret.startsWith('sk-orra-v1-') ? 17 : 9
  return secret.slice(0, Math.min(told, Math.floor(secret.length / 4)))
}

function fromRow(row: KeyRow): Key {
  return KeySchema.parse({
    id: row.id,
    name: row.name,
    role: row.role,
    lane: row.lane,
    prefix: row.prefix,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    projectId: row.project_id
  })
}
