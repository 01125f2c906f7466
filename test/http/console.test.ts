import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InjectOptions } from 'fastify'
import { buildApp } from '../../server/http/app.ts'
import { createScriptedServices } from './scripted-services.ts'

const visit = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

async function build(change: { consoleFolder?: undefined } = {}) {
  const { services } = createScriptedServices()
  const app = await buildApp({ ...services, ...change })
  return async (url: string, options: InjectOptions = {}) => await app.inject({ method: 'GET', url, ...options })
}

test('the console is one page, under a policy that lets nothing else in, and is asked for anew each time', async () => {
  const get = await build()
  const page = await get('/', { headers: visit })
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /<title>Outpost/)
  assert.match(String(page.headers['content-type']), /^text\/html/)
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /)
  assert.match(policy, /frame-ancestors 'none'$/)
  assert.ok(!policy.includes('unsafe'))
  assert.equal(page.headers['cache-control'], 'no-cache')
  assert.ok(page.headers.etag)
  assert.equal((await get('/', { headers: { ...visit, 'if-none-match': String(page.headers.etag) } })).statusCode, 304)
})

test('addresses of its pages lead into it, for people who open them and for nobody else', async () => {
  const get = await build()
  for (const url of ['/models', '/models/smollm2', '/models?search=small']) {
    const page = await get(url, { headers: visit })
    assert.deepEqual([page.statusCode, page.body.includes('<title>Outpost')], [200, true], url)
  }
  assert.equal((await get('/models', { method: 'HEAD', headers: visit })).statusCode, 200)
  assert.equal((await get('/models')).statusCode, 404)
  assert.equal((await get('/models', { method: 'POST', headers: visit })).statusCode, 404)
  for (const url of ['/nowhere', '/v1/nowhere', '/models/x.js', '/outpost/nowhere', '/index.html']) {
    const answer = await get(url, { headers: visit })
    assert.deepEqual([answer.statusCode, answer.json().error.code], [404, 'not_found'], url)
  }
})

test('its files come compressed and may be kept for ever; what is not one of them is not found', async () => {
  const get = await build()
  for (const [accepted, encoding] of [
    ['gzip, br', 'br'],
    ['gzip', 'gzip'],
    ['identity', undefined]
  ] as const) {
    const file = await get('/assets/main-abc123.js', { headers: { 'accept-encoding': accepted } })
    assert.equal(file.statusCode, 200)
    assert.equal(file.headers['content-encoding'], encoding)
    assert.match(String(file.headers['content-type']), /^(text|application)\/javascript/)
    assert.equal(file.headers['cache-control'], 'public, max-age=31536000, immutable')
  }
  for (const url of ['/assets/', '/assets/none.js', '/assets/..%2findex.html', '/assets/%2e%2e/pages.json', '/assets/..%5cpages.json']) {
    const answer = await get(url, { headers: visit })
    assert.ok(answer.statusCode === 404 || answer.statusCode === 403 || answer.statusCode === 400, `${url} ${answer.statusCode}`)
    assert.equal(typeof answer.json().error.code, 'string', url)
  }
})

test('a server whose console was not built leads to its API', async () => {
  const get = await build({ consoleFolder: undefined })
  const answer = await get('/', { headers: visit })
  assert.deepEqual([answer.statusCode, answer.headers.location], [302, '/docs'])
  assert.equal((await get('/models', { headers: visit })).statusCode, 404)
})
