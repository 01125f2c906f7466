import type { FastifyRequest } from 'fastify'
import type { Client, Role } from '#contracts/key.ts'
import type { SessionReply } from '#contracts/session.ts'
import { AppError } from '../../errors.ts'
import { isLoopback } from '../../loopback.ts'
import type { KeyStore } from '../../store/keys.ts'
import type { SessionStore } from '../../store/sessions.ts'
import { isOwnerConnection } from './owner-door.ts'
import { presentedSession } from './session-cookie.ts'

/** Who is calling, and by what that was told. `session`: id of a browser's sign-in. */
export type Caller = { client: Client; by: SessionReply['by']; session?: { id: string; expiresAt: number } }

const owner: Client = { id: 'owner', name: 'owner', role: 'owner', lane: 'interactive' }
const local: Client = { id: 'local', name: 'local', role: 'local', lane: 'interactive' }

/** SDKs insist on some key. This one always stands for none, so that they work on the machine itself without a secret. */
const noKey = 'local'

/**
 * Says who is calling. Throws `unauthorized` or `key_revoked`. `anyKeyIsNone`: while there are no keys, whatever is sent from this machine
 * in their place counts as none. `sessions`: where it is given, a browser's cookie counts as well. A key in a header goes before it, and one
 * that has ended is none: nobody chose to send it.
 */
export function createAuthentication(options: {
  keys: KeyStore
  sessions?: SessionStore
  boundHost: string
  anyKeyIsNone?: boolean
}): (request: FastifyRequest) => Caller {
  const localAllowed = isLoopback(options.boundHost)
  const isLocal = (request: FastifyRequest) => localAllowed && comesFromThisMachine(request)
  return (request) => {
    const secret = presentedSecret(request)
    if (secret !== undefined) {
      const result = options.keys.authenticate(secret)
      if ('client' in result) return { client: result.client, by: 'key' }
      if (result.error === 'revoked') throw new AppError('key_revoked', 'this key was revoked; ask an administrator for another one')
      // While this server has no keys at all, whatever an SDK was given stands for none. Once there are keys, a wrong one is a mistake worth hearing of.
      if (options.anyKeyIsNone !== false && !options.keys.anyActive() && isLocal(request)) return { client: local, by: 'none' }
      throw new AppError('unauthorized', 'this key is unknown here; check it, or ask an administrator for one')
    }
    if (isOwnerConnection(request.raw)) return { client: owner, by: 'socket' }
    const known = options.sessions === undefined ? undefined : presentedSession(request, options.sessions)
    if (known !== undefined) return { client: known.client, by: 'cookie', session: known.session }
    if (isLocal(request)) return { client: local, by: 'none' }
    throw new AppError('unauthorized', 'a key is needed: send "Authorization: Bearer …" or "x-api-key: …"')
  }
}

/** Whether a request was sent on this machine: over loopback, and by no proxy. The owner's door is not asked about. */
export function comesFromThisMachine(request: FastifyRequest): boolean {
  return isLoopback(request.raw.socket.remoteAddress ?? '') && !isForwarded(request)
}

/** Holds a client against the table of `access.ts`. Throws `forbidden`. */
export function checkAccess(client: Client, access: readonly Role[]): void {
  if (access.includes(client.role)) return
  const advice =
    client.role === 'local'
      ? 'send an administrator’s key, or use the outpost command on this machine'
      : client.role === 'project' && access.includes('user')
        ? 'it is for the plan engine of its project only; ask for a key of the role user'
        : 'it needs an administrator’s key'
  throw new AppError('forbidden', `${client.role === 'local' ? 'a caller without a key' : 'this key'} may not do this; ${advice}`)
}

/** The one place that reads key headers. Both forms may be sent, if they agree. */
function presentedSecret(request: FastifyRequest): string | undefined {
  const { authorization } = request.raw.headers
  const apiKey = request.raw.headers['x-api-key']
  let secret: string | undefined
  if (authorization !== undefined && authorization !== '') {
    const match = /^Bearer(?: +(\S*))? *$/i.exec(authorization)
    if (match === null) throw new AppError('unauthorized', 'Authorization must be "Bearer" and a key; other schemes are not known here')
    secret = match[1] === '' ? undefined : match[1]
  }
  if (typeof apiKey === 'string' && apiKey !== '') {
    if (secret !== undefined && secret !== apiKey) {
      throw new AppError('unauthorized', 'Authorization and x-api-key hold different keys; send one of them')
    }
    secret = apiKey
  }
  return secret === noKey ? undefined : secret
}

/** Behind a proxy everyone seems to sit on this machine, so what was forwarded is never local. */
function isForwarded(request: FastifyRequest): boolean {
  for (const name in request.raw.headers) {
    if (name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'x-real-ip' || name === 'via') return true
  }
  return false
}
