import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InjectOptions } from 'fastify'
import { SessionReply, SessionsReply } from '#contracts/session.ts'
import { buildApp } from '../../server/http/app.ts'
import { createScriptedServices, startScripted } from './scripted-services.ts'

async function build(variables: Record<string, string> = {}) {
  const scripted = createScriptedServices(undefined, variables)
  const app = await buildApp(scripted.services)
  const call = async (url: string, options: InjectOptions = {}) => {
    const response = await app.inject({ method: 'GET', url, ...options })
    return { status: response.statusCode, body: response.json(), cookies: response.headers['set-cookie'] as string | undefined }
  }
  const signIn = async (payload: object, headers: Record<string, string> = {}) => {
    const { status, body, cookies } = await call('/outpost/session', { method: 'POST', payload, headers })
    return { status, body, setCookie: cookies ?? '', cookie: (cookies ?? '').split(';')[0] ?? '' }
  }
  const token = () => scripted.services.signInLink().url.split('#sign-in=')[1] ?? ''
  return { ...scripted, app, call, signIn, token }
}

test('the token of a link signs one browser in as the owner, once', async () => {
  const { call, signIn, token } = await build()
  const one = token()
  const { status, body, setCookie, cookie } = await signIn({ token: one })
  assert.equal(status, 200)
  assert.equal(SessionReply.parse(body).client.role, 'owner')
  assert.match(setCookie, /; HttpOnly; SameSite=Strict$/)
  assert.match(setCookie, /; Path=\/; Max-Age=2592000;/)
  assert.equal((await call('/outpost/keys', { headers: { cookie } })).status, 200)
  const again = await signIn({ token: one })
  assert.deepEqual([again.status, again.body.error.code], [401, 'unauthorized'])
  assert.match(again.body.error.message, /outpost console/)
})

test('a key signs in as itself: its role, its lane, and no more', async () => {
  const { call, signIn, services } = await build({ OUTPOST_HOST: '0.0.0.0' })
  const { key, secret } = services.keys.create({ name: 'analyst', role: 'user', lane: 'batch' })
  const { body, cookie } = await signIn({ key: ` ${secret} ` })
  const session = SessionReply.parse(body)
  assert.deepEqual([session.client.id, session.client.role, session.client.lane], [key.id, 'user', 'batch'])
  assert.ok(session.may.includes('chat') && !session.may.includes('keys'))
  assert.equal((await call('/v1/models', { headers: { cookie } })).status, 200)
  assert.equal((await call('/outpost/keys', { headers: { cookie } })).status, 403)
  assert.equal((await signIn({ key: 'op-wrong' })).status, 401)
})

test('a session ends with its key, revoked or given a new secret', async () => {
  const { call, signIn, services } = await build({ OUTPOST_HOST: '0.0.0.0' })
  for (const end of ['revoke', 'rotate'] as const) {
    const { key, secret } = services.keys.create({ name: 'a', role: 'administrator', lane: 'normal' })
    const { cookie } = await signIn({ key: secret })
    assert.equal((await call('/outpost/keys', { headers: { cookie } })).status, 200)
    services.keys[end](key.id)
    assert.equal((await call('/outpost/keys', { headers: { cookie } })).status, 401)
  }
})

test('who signs out is nobody in particular again, and the cookie is worth nothing', async () => {
  const { call, signIn, token } = await build()
  const { cookie } = await signIn({ token: token() })
  const out = await call('/outpost/session', { method: 'DELETE', headers: { cookie } })
  assert.deepEqual(out.body, { signedOut: true })
  assert.match(out.cookies ?? '', /Max-Age=0/)
  const { body } = await call('/outpost/session', { headers: { cookie } })
  assert.deepEqual([body.client.role, body.by], ['local', 'none'])
})

test('an administrator lists browsers and signs one out', async () => {
  const { call, signIn, token, services } = await build()
  const owner = await signIn({ token: token() }, { 'user-agent': 'Browser 1' })
  const { secret } = services.keys.create({ name: 'u', role: 'user', lane: 'normal' })
  const user = await signIn({ key: secret })
  const headers = { cookie: owner.cookie }
  const { sessions } = SessionsReply.parse((await call('/outpost/sessions', { headers })).body)
  assert.equal(sessions.length, 2)
  assert.ok(sessions.some(({ browser }) => browser === 'Browser 1'))
  assert.equal((await call('/outpost/sessions', { headers: { cookie: user.cookie } })).status, 403)
  const own = sessions.find(({ clientId }) => clientId !== 'owner')
  assert.deepEqual((await call(`/outpost/sessions/${own?.id}`, { method: 'DELETE', headers })).body, { ended: 1 })
  assert.equal((await call(`/outpost/sessions/${own?.id}`, { method: 'DELETE', headers })).status, 404)
  assert.equal((await call('/outpost/session', { headers: { cookie: user.cookie } })).body.by, 'none')
})

test('pages of other ports and sites cannot use the cookie, and only the owner makes links', async () => {
  const { call, signIn, token, services } = await build()
  const { cookie } = await signIn({ token: token() })
  for (const site of ['same-site', 'cross-site']) {
    assert.equal((await call('/outpost/keys', { headers: { cookie, 'sec-fetch-site': site } })).status, 403, site)
  }
  assert.equal((await call('/outpost/keys', { headers: { cookie, 'sec-fetch-site': 'same-origin' } })).status, 200)
  assert.equal((await call('/outpost/keys', { headers: { cookie, origin: 'http://localhost:3000' } })).body.error.code, 'forbidden_host')
  assert.equal((await call('/outpost/sign-in-links', { method: 'POST', headers: { cookie } })).status, 201)
  const { secret } = services.keys.create({ name: 'a', role: 'administrator', lane: 'normal' })
  assert.equal((await call('/outpost/sign-in-links', { method: 'POST', headers: { 'x-api-key': secret } })).status, 403)
})

test('a key in a header goes before the cookie', async () => {
  const { call, signIn, token, services } = await build()
  const { cookie } = await signIn({ token: token() })
  const { secret } = services.keys.create({ name: 'u', role: 'user', lane: 'normal' })
  assert.equal((await call('/outpost/keys', { headers: { cookie, 'x-api-key': secret } })).status, 403)
})

test('behind TLS the cookie never travels in the clear', async () => {
  const { signIn, token } = await build()
  assert.match((await signIn({ token: token() }, { 'x-forwarded-proto': 'https' })).setCookie, /; Secure$/)
})

test('what can be listed of a session opens nothing', async () => {
  const { services, signIn, token } = await build()
  const { cookie } = await signIn({ token: token() })
  assert.ok(!JSON.stringify(services.sessions.list()).includes(cookie.split('=')[1] ?? 'none'))
})

test('what a browser reads ends when it is signed out', async () => {
  await using server = await startScripted()
  const { session, secret } = server.services.sessions.create('owner', 'test')
  const headers = { cookie: `${server.services.sessions.cookieName}=${secret}` }
  const response = await fetch(`${server.url}/outpost/events`, { headers })
  const reading = response.text()
  server.services.sessions.end(session.id)
  await assert.rejects(reading)
})
