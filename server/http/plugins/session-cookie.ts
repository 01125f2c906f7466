import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Client } from '#contracts/key.ts'
import type { Session } from '#contracts/session.ts'
import { type SessionStore, sessionMs } from '../../store/sessions.ts'

/** Whose browser this is; undefined: it brings no cookie of a session, or one that has ended. */
export function presentedSession(request: FastifyRequest, sessions: SessionStore): { session: Session; client: Client } | undefined {
  const { cookie, 'sec-fetch-site': site } = request.raw.headers
  // Another port of this machine is the same site to a browser, so SameSite alone would let its pages send the cookie along.
  if (cookie === undefined || (site !== undefined && site !== 'same-origin' && site !== 'none')) return undefined
  const secret = cookieValue(cookie, sessions.cookieName)
  return secret === undefined ? undefined : sessions.authenticate(secret)
}

/** Gives the browser its cookie, good for as long as the session; no script can read it, and no other site makes the browser send it. */
export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, sessions: SessionStore, secret: string): void {
  writeCookie(request, reply, sessions.cookieName, secret, sessionMs / 1000)
}

/** Sends the cookie it came with once more, for a browser counts its days from when it was set. */
export function renewSessionCookie(request: FastifyRequest, reply: FastifyReply, sessions: SessionStore): void {
  const secret = cookieValue(request.raw.headers.cookie ?? '', sessions.cookieName)
  if (secret !== undefined) setSessionCookie(request, reply, sessions, secret)
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply, sessions: SessionStore): void {
  writeCookie(request, reply, sessions.cookieName, '', 0)
}

function writeCookie(request: FastifyRequest, reply: FastifyReply, name: string, value: string, seconds: number): void {
  // Behind a proxy with TLS the browser must never send it in the clear. Who forges the header only locks itself out.
  const secure = request.raw.headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  reply.header('set-cookie', `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`)
}

function cookieValue(header: string, name: string): string | undefined {
  for (const part of header.split(';')) {
    const [key, value] = part.trim().split('=', 2)
    if (key === name && value !== undefined && value !== '') return value
  }
  return undefined
}
