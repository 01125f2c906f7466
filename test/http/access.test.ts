import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Fastify, { type InjectOptions } from 'fastify'
import { endpoints } from '#contracts/api.ts'
import { planEndpoints } from '#contracts/plan-api.ts'
import { accessTable } from '../../server/http/access.ts'
import { buildApp } from '../../server/http/app.ts'
import { registerAccess } from '../../server/http/plugins/access-guard.ts'
import { markOwnerServer } from '../../server/http/plugins/owner-door.ts'
import { createScriptedServices, hello } from './scripted-services.ts'

async function build(variables: Record<string, string> = {}) {
  const scripted = createScriptedServices(undefined, variables)
  const app = await buildApp(scripted.services)
  const call = async (options: InjectOptions) => {
    const response = await app.inject({ method: 'GET', url: '/v1/models', ...options })
    return { status: response.statusCode, code: response.json().error?.code as string | undefined, headers: response.headers }
  }
  const key = (role: 'user' | 'administrator' = 'user') => scripted.services.keys.create({ name: role, role, lane: 'interactive' })
  return { ...scripted, app, call, key }
}

test('every route has an entry in the access table, and every entry has a route', async () => {
  const { app } = await build()
  const missing = [...accessTable.keys()].filter((entry) => {
    const [method, url] = entry.split(' ') as ['GET', string]
    return !app.hasRoute({ method, url })
  })
  assert.deepEqual(missing, [])
  for (const { method, path, roles } of Object.values(endpoints)) assert.deepEqual(accessTable.get(`${method} ${path}`), roles)
})

test('docs/api.md has every address of the plan engine', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const others = [...accessTable.keys()].map((entry) => entry.split(' ')[1] ?? '').filter((url) => !/^\/(v1|outpost|docs)\b/.test(url))
  const urls = [...others, ...Object.values(planEndpoints).map(({ path }) => path)]
  assert.deepEqual(
    urls.filter((url) => !page.includes(url.replace(/:(\w+)/, '{$1}'))),
    []
  )
})

test('a route that was forgotten in the access table cannot be registered', () => {
  const app = Fastify()
  const { keys, sessions } = createScriptedServices().services
  registerAccess(app, { keys, sessions, boundHost: '127.0.0.1' })
  assert.throws(() => app.get('/forgotten', () => 'open'), /GET \/forgotten has no entry in http\/access\.ts/)
})

test('a caller on this machine without a key is local: models yes, administration no', async () => {
  const { call } = await build()
  assert.equal((await call({})).status, 200)
  assert.deepEqual(await call({ url: '/outpost/keys' }).then(({ status, code }) => [status, code]), [403, 'forbidden'])
  assert.equal((await call({ headers: { authorization: 'Bearer local' } })).status, 200)
})

test('a wrong key is refused even on this machine, and says how to authenticate', async () => {
  const { call, key } = await build()
  key()
  const refused = await call({ headers: { authorization: 'Bearer op-wrong' } })
  assert.deepEqual([refused.status, refused.code, refused.headers['www-authenticate']], [401, 'unauthorized', 'Bearer'])
  assert.equal((await call({ headers: { authorization: 'Basic abc' } })).status, 401)
})

test('while there are no keys at all, whatever an SDK sends in their place counts as none, on this machine only', async () => {
  assert.equal((await (await build()).call({ headers: { authorization: 'Bearer sk-whatever' } })).status, 200)
  assert.equal((await (await build()).call({ headers: { authorization: 'Bearer sk-whatever', 'x-forwarded-for': '10.0.0.1' } })).status, 401)
  assert.equal((await (await build({ OUTPOST_HOST: '0.0.0.0' })).call({ headers: { authorization: 'Bearer sk-whatever' } })).status, 401)
})

test('both key headers work, and must agree when both are sent', async () => {
  const { call, key } = await build({ OUTPOST_HOST: '0.0.0.0' })
  const { secret } = key()
  assert.equal((await call({})).status, 401)
  assert.equal((await call({ headers: { authorization: `Bearer ${secret}` } })).status, 200)
  assert.equal((await call({ headers: { authorization: `bearer  ${secret} ` } })).status, 200)
  assert.equal((await call({ headers: { 'x-api-key': secret } })).status, 200)
  assert.equal((await call({ headers: { 'x-api-key': secret, authorization: `Bearer ${secret}` } })).status, 200)
  assert.equal((await call({ headers: { 'x-api-key': secret, authorization: `Bearer ${key().secret}` } })).status, 401)
  assert.equal((await call({ headers: { authorization: 'Bearer local' } })).status, 401)
})

test('roles are held: a user key may not administer, an administrator’s may', async () => {
  const { call, key } = await build()
  assert.equal((await call({ url: '/outpost/usage', headers: { 'x-api-key': key('user').secret } })).status, 403)
  assert.equal((await call({ url: '/outpost/usage', headers: { 'x-api-key': key('administrator').secret } })).status, 200)
})

test('a revoked key is refused at once', async () => {
  const { call, key, services } = await build()
  const { key: made, secret } = key()
  services.keys.revoke(made.id)
  const refused = await call({ headers: { 'x-api-key': secret } })
  assert.deepEqual([refused.status, refused.code], [401, 'key_revoked'])
})

test('a forwarded request is never local', async () => {
  const { call } = await build()
  for (const name of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via']) {
    assert.equal((await call({ headers: { [name]: '127.0.0.1' } })).status, 401, name)
  }
})

test('a caller from another machine is never local', async () => {
  const { call } = await build()
  assert.equal((await call({ remoteAddress: '192.168.1.7' })).status, 401)
  assert.equal((await call({ remoteAddress: '::ffff:127.0.0.1' })).status, 200)
})

test('on loopback the Host header must be a loopback name', async () => {
  const { call } = await build()
  for (const host of ['localhost', 'localhost:4477', 'LOCALHOST.', '127.0.0.1:1', '[::1]:4477', 'app.localhost']) {
    assert.equal((await call({ headers: { host } })).status, 200, host)
  }
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '192.168.1.7', '127.0.0.1@evil.example']) {
    const refused = await call({ headers: { host } })
    assert.deepEqual([refused.status, refused.code], [403, 'forbidden_host'], host)
  }
})

test('on a LAN this machine’s names and addresses are allowed, other names are not', async () => {
  const { call, key } = await build({ OUTPOST_HOST: '0.0.0.0' })
  const headers = { 'x-api-key': key().secret }
  for (const host of [hostname(), `${hostname()}.local:4477`, '192.168.1.7:4477', 'localhost']) {
    assert.equal((await call({ headers: { ...headers, host } })).status, 200, host)
  }
  assert.equal((await call({ headers: { ...headers, host: 'evil.example' } })).status, 403)
})

test('the Origin header must be the server’s own', async () => {
  const { call } = await build()
  assert.equal((await call({ headers: { host: 'localhost:4477', origin: 'http://localhost:4477' } })).status, 200)
  for (const origin of ['http://evil.example', 'null', 'http://localhost:9999', 'https://localhost:4477.evil.example']) {
    assert.equal((await call({ headers: { host: 'localhost:4477', origin } })).status, 403, origin)
  }
})

test('public addresses are guarded by Host as well, and unknown ones too', async () => {
  const { call } = await build()
  assert.equal((await call({ url: '/healthz', headers: { host: 'evil.example' } })).status, 403)
  assert.equal((await call({ url: '/nowhere', headers: { host: 'evil.example' } })).status, 403)
})

test('the owner’s socket may administer without a key, and nothing in a request can claim to be it', async () => {
  const { app, services } = await build()
  const folder = mkdtempSync(join(tmpdir(), 'outpost-door-'))
  const socketPath = join(folder, 'outpost.sock')
  const door = createServer(app.routing)
  markOwnerServer(door)
  await new Promise<void>((resolve) => door.listen(socketPath, resolve))
  const get = (headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      httpRequest({ socketPath, path: '/outpost/keys', headers }, (response) => resolve(response.resume().statusCode ?? 0))
        .on('error', reject)
        .end()
    })
  try {
    assert.equal(await get({}), 200)
    assert.equal(await get({ 'x-api-key': 'op-wrong' }), 401)
    assert.equal(await get({ 'x-api-key': services.keys.create({ name: 'u', role: 'user', lane: 'normal' }).secret }), 403)
  } finally {
    door.close()
    door.closeAllConnections()
    rmSync(folder, { recursive: true })
  }
})

test('request ids and trace parents are taken over when they are sane', async () => {
  const { call } = await build()
  const parent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const kept = await call({ headers: { 'x-request-id': 'order-66', traceparent: parent } })
  assert.equal(kept.headers['x-request-id'], 'order-66')
  assert.equal(kept.headers.traceparent, parent)
  const made = await call({ headers: { 'x-request-id': 'x'.repeat(500), traceparent: 'nonsense' } })
  assert.match(String(made.headers['x-request-id']), /^[0-9a-f-]{36}$/)
  assert.equal(made.headers.traceparent, undefined)
})

test('no key and no prompt is ever logged, by any route', async () => {
  const scripted = await build()
  const canary = 'canary-0123456789abcdef'
  const failing = () => {
    throw new Error('broken')
  }
  scripted.services.usage.summary = failing
  const { secret } = scripted.key('administrator')
  for (const entry of accessTable.keys()) {
    const [method, url] = entry.split(' ') as ['GET' | 'POST' | 'DELETE', string]
    // It goes on until its reader leaves.
    if (url === endpoints.events.path) continue
    for (const key of [canary, secret]) {
      const payload =
        method === 'POST' ? { ...hello, prompt: canary, input: canary, name: 'key', messages: [{ role: 'user', content: canary }] } : undefined
      await scripted.app.inject({
        method,
        url: url.replace(':id', canary),
        headers: { 'x-api-key': key, authorization: `Bearer ${key}` },
        ...(payload === undefined ? {} : { payload })
      })
    }
  }
  assert.ok(scripted.logged.some((line) => line.includes('request failed')))
  assert.deepEqual(
    scripted.logged.filter((line) => line.includes('canary') || line.includes(secret)),
    []
  )
})
