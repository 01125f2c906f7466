import { hostname } from 'node:os'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type EndpointName, endpoints } from '#contracts/api.ts'
import type { Endpoint } from '#contracts/endpoint.ts'
import type { Client } from '#contracts/key.ts'
import type { SessionReply, SignIn } from '#contracts/session.ts'
import { AppError } from '../../errors.ts'
import { version } from '../../version.ts'
import { audit } from '../audit.ts'
import type { Caller } from '../plugins/auth.ts'
import { clearSessionCookie, presentedSession, renewSessionCookie, setSessionCookie } from '../plugins/session-cookie.ts'
import type { RouteContext } from './context.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown
type SessionName = Extract<EndpointName, 'session' | 'signIn' | 'signOut' | 'createSignInLink' | 'sessions' | 'endSessions' | 'endSession'>

/** Signing in and out of the console. */
export function sessionHandlers({ services }: RouteContext): Record<SessionName, Handler> {
  const { sessions, signInLinks, keys, log, config } = services

  const sessionReply = ({ client, by, session }: Caller): SessionReply => ({
    client: { id: client.id, name: client.name, role: client.role, lane: client.lane, projectId: client.projectId ?? null },
    by,
    expiresAt: session?.expiresAt ?? null,
    may: endpointsFor(client),
    server: { version, host: hostname(), airGap: config.airGap }
  })

  return {
    session(request, reply) {
      const caller = request.caller
      if (caller.by === 'cookie') renewSessionCookie(request, reply, sessions)
      return sessionReply(caller)
    },
    signIn(request, reply) {
      const order = request.body as SignIn // The route's schema parsed it.
      const clientId = 'token' in order ? redeem(order.token) : keyOf(order.key)
      // Who signs in anew has no use for the sign-in before.
      const before = presentedSession(request, sessions)
      if (before !== undefined) sessions.end(before.session.id)
      const { session, secret } = sessions.create(clientId, request.headers['user-agent'] ?? '')
      const known = sessions.authenticate(secret)
      if (known === undefined) throw new AppError('key_revoked', 'the key was revoked while it signed in')
      setSessionCookie(request, reply, sessions, secret)
      audit(log, known.client, 'sign in', { session: session.id, by: 'token' in order ? 'link' : 'key' })
      return sessionReply({ client: known.client, by: 'cookie', session })
    },
    signOut(request, reply) {
      const known = presentedSession(request, sessions)
      if (known !== undefined) {
        sessions.end(known.session.id)
        audit(log, known.client, 'sign out', { session: known.session.id })
      }
      clearSessionCookie(request, reply, sessions)
      return { signedOut: true }
    },
    createSignInLink(request, reply) {
      audit(log, request.client, 'make sign-in link')
      return reply.code(201).send(services.signInLink())
    },
    sessions: () => ({ sessions: sessions.list() }),
    endSessions(request) {
      const ended = sessions.endAll()
      audit(log, request.client, 'end sessions', { ended })
      return { ended }
    },
    endSession(request) {
      const { id } = request.params as { id: string } // The route's schema parsed it.
      if (!sessions.end(id)) throw new AppError('not_found', `there is no session ${JSON.stringify(id)}; GET /outpost/sessions lists them`)
      audit(log, request.client, 'end session', { session: id })
      return { ended: 1 }
    }
  }

  function redeem(token: string): string {
    if (signInLinks.redeem(token)) return 'owner'
    throw new AppError('unauthorized', 'this sign-in link was used before or is older than ten minutes; get another one with: outpost console')
  }

  function keyOf(secret: string): string {
    const result = keys.authenticate(secret)
    if ('client' in result) return result.client.id
    if (result.error === 'revoked') throw new AppError('key_revoked', 'this key was revoked; ask an administrator for another one')
    throw new AppError('unauthorized', 'this key is unknown here; check it, or ask an administrator for one')
  }
}

function endpointsFor({ role }: Client): string[] {
  const all: [string, Endpoint][] = Object.entries(endpoints)
  return all.filter(([, { roles }]) => roles === 'public' || roles.includes(role)).map(([name]) => name)
}
