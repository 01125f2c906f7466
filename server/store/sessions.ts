import { createHmac, randomBytes } from 'node:crypto'
import type { Client } from '#contracts/key.ts'
import type { Session } from '#contracts/session.ts'
import type { Database } from './database.ts'
import type { KeyStore } from './keys.ts'

/** Browsers that are signed in: each acts as the owner or as a key, and ends with the key. */
export type SessionStore = {
  /** The same for this database, and another one for the next: cookies do not tell ports of a machine apart. */
  readonly cookieName: string
  /** `secret` is what the cookie holds. `clientId`: a valid key's id, or `owner`. */
  create(clientId: string, browser: string): { session: Session; secret: string }
  /** Undefined: unknown, expired or ended. */
  authenticate(secret: string): { session: Session; client: Client } | undefined
  /** Newest first. */
  list(): Session[]
  /** False: there is none. */
  end(id: string): boolean
  /** Returns how many there were. */
  endAll(): number
  /** Called with the session's id when it ends in any way but by its time. Returns how to stop listening. */
  onEnded(listener: (id: string) => void): () => void
}

/** A session that is not used for so long ends. */
export const sessionMs = 30 * 86_400_000
/** Of one client; the one that was not used for longest makes room. */
const mostSessions = 50
/** How old the stored time of last use may get, so that a busy page does not cost a write for each request. */
const useWriteMs = 60_000

const owner: Client = { id: 'owner', name: 'owner', role: 'owner', lane: 'interactive' }

type Entry = { session: Session; digest: string; writtenUseAt: number }
type Row = { id: string; client_id: string; browser: string; digest: Buffer; created_at: number; used_at: number }

export function createSessionStore(
  db: Database,
  options: { pepper: Buffer; keys: Pick<KeyStore, 'clientOf' | 'onRevoked'>; now?: () => number }
): SessionStore {
  const { pepper, keys, now = Date.now } = options
  const byId = new Map<string, Entry>()
  const byDigest = new Map<string, Entry>()
  const listeners = new Set<(id: string) => void>()
  const statements = {
    insert: db.prepare('INSERT INTO sessions (id, client_id, browser, digest, created_at, used_at) VALUES (?, ?, ?, ?, ?, ?)'),
    use: db.prepare('UPDATE sessions SET used_at = ? WHERE id = ?'),
    remove: db.prepare('DELETE FROM sessions WHERE id = ?'),
    expire: db.prepare('DELETE FROM sessions WHERE used_at <= ?')
  }
  const digestOf = (secret: string) => createHmac('sha256', pepper).update('session:').update(secret).digest()
  const clientOf = (id: string) => (id === owner.id ? owner : keys.clientOf(id))

  const remember = (session: Session, digest: Buffer) => {
    const entry: Entry = { session, digest: digest.toString('latin1'), writtenUseAt: session.usedAt }
    byId.set(session.id, entry)
    byDigest.set(entry.digest, entry)
  }
  const end = (entry: Entry) => {
    statements.remove.run(entry.session.id)
    byId.delete(entry.session.id)
    byDigest.delete(entry.digest)
    for (const listener of listeners) listener(entry.session.id)
  }
  const endWhere = (condition: (session: Session) => boolean): number => {
    const ending = [...byId.values()].filter(({ session }) => condition(session))
    for (const entry of ending) end(entry)
    return ending.length
  }
  const makeRoom = (clientId: string) => {
    const own = [...byId.values()]
      .filter(({ session }) => session.clientId === clientId)
      .sort((one, other) => one.session.usedAt - other.session.usedAt)
    for (const entry of own.slice(0, Math.max(0, own.length - mostSessions + 1))) end(entry)
  }

  statements.expire.run(now() - sessionMs)
  for (const row of db.prepare<[], Row>('SELECT * FROM sessions').all()) {
    const { id, client_id: clientId, browser, created_at: createdAt, used_at: usedAt } = row
    remember({ id, clientId, browser, createdAt, usedAt, expiresAt: usedAt + sessionMs }, row.digest)
  }
  // Its key may have gone while nobody listened.
  endWhere(({ clientId }) => clientOf(clientId) === undefined)
  keys.onRevoked((keyId) => endWhere(({ clientId }) => clientId === keyId))

  return {
    cookieName: `outpost_${createHmac('sha256', pepper).update('cookie name').digest('hex').slice(0, 8)}`,
    create(clientId, browser) {
      makeRoom(clientId)
      const secret = randomBytes(32).toString('base64url')
      const at = now()
      const session: Session = {
        id: `session-${randomBytes(6).toString('hex')}`,
        clientId,
        browser: browser.slice(0, 300),
        createdAt: at,
        usedAt: at,
        expiresAt: at + sessionMs
      }
      const digest = digestOf(secret)
      statements.insert.run(session.id, clientId, session.browser, digest, at, at)
      remember(session, digest)
      return { session: { ...session }, secret }
    },
    authenticate(secret) {
      const entry = byDigest.get(digestOf(secret).toString('latin1'))
      if (entry === undefined) return undefined
      const { session } = entry
      const at = now()
      const client = clientOf(session.clientId)
      if (session.expiresAt <= at || client === undefined) {
        end(entry)
        return undefined
      }
      session.usedAt = at
      session.expiresAt = at + sessionMs
      if (at - entry.writtenUseAt > useWriteMs) {
        entry.writtenUseAt = at
        statements.use.run(at, session.id)
      }
      return { session: { ...session }, client }
    },
    list: () => [...byId.values()].map(({ session }) => ({ ...session })).sort((one, other) => other.createdAt - one.createdAt),
    end: (id) => endWhere((session) => session.id === id) > 0,
    endAll: () => endWhere(() => true),
    onEnded(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
