import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { type TestContext, test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { createGuardedFetch } from '../../../server/plans/tools/guarded-fetch.ts'
import { createAddressGuard } from '../../../server/plans/webhooks/address-guard.ts'
import { bodyOf, startHttp } from './http-server.ts'
import { openFetch } from './test-fetch.ts'

const loopback: LookupAddress = { address: '127.0.0.1', family: 4 }

/** A fetch with a resolver that answers in turn; the last answer stays. */
function fetchWith(lanAllow: string[], ...answers: LookupAddress[][]) {
  const asked: string[] = []
  const guard = createAddressGuard({ airGap: false, lanAllow }, (hostname, callback) => {
    asked.push(hostname)
    callback(null, (answers.length > 1 ? answers.shift() : answers[0]) ?? [])
  })
  return { fetch: createGuardedFetch(guard), asked }
}

async function counted(t: TestContext) {
  let requests = 0
  const { url } = await startHttp(t, (_request, response) => {
    requests++
    response.end('here')
  })
  return { port: new URL(url).port, requests: () => requests }
}

test('a name is looked up once, and the connection goes to the address that was checked', async (t) => {
  const { port, requests } = await counted(t)
  // The second answer would be another machine: nobody asks for it.
  const { fetch, asked } = fetchWith(['shop.test'], [loopback], [{ address: '169.254.169.254', family: 4 }])
  const response = await fetch(`http://shop.test:${port}/`)
  assert.equal(await response.text(), 'here')
  assert.deepEqual([asked, requests()], [['shop.test'], 1])
})

test('a name that was outside when it was first looked up and is inside now is not called', async (t) => {
  const { port, requests } = await counted(t)
  const { fetch } = fetchWith(['10.9.9.9'], [{ address: '203.0.113.7', family: 4 }, loopback], [loopback])
  for (let time = 0; time < 2; time++) {
    await assert.rejects(fetch(`http://rebinding.test:${port}/`), {
      code: 'policy_denied',
      message: 'rebinding.test (127.0.0.1) is on this machine or its LAN, and not among the places that OUTPOST_LAN_ALLOW names'
    })
  }
  assert.equal(requests(), 0)
})

test('an address that must not be called is refused before anything is looked up', async () => {
  const { fetch, asked } = fetchWith([], [loopback])
  await assert.rejects(fetch('http://169.254.169.254/latest/meta-data/'), { code: 'policy_denied' })
  assert.deepEqual(asked, [])
})

test('method, headers and body arrive, a redirect is an answer, and several cookies stay apart', async (t) => {
  let seen: unknown
  const { url } = await startHttp(t, async (request, response) => {
    seen = [request.method, request.headers['x-key'], request.headers['content-length'], await bodyOf(request)]
    response.writeHead(302, { location: 'http://elsewhere.invalid/', 'set-cookie': ['a=1', 'b=2'] }).end()
  })
  const response = await openFetch(url, { method: 'PUT', headers: [['x-key', 'canary']], body: 'größer' })
  assert.deepEqual(seen, ['PUT', 'canary', '8', 'größer'])
  assert.deepEqual(
    [response.status, response.headers.get('location'), response.headers.getSetCookie()],
    [302, 'http://elsewhere.invalid/', ['a=1', 'b=2']]
  )
})

test('an answer without a body has none', async (t) => {
  const { url } = await startHttp(t, (_request, response) => void response.writeHead(204).end())
  const response = await openFetch(url, { method: 'DELETE' })
  assert.deepEqual([response.status, response.body], [204, null])
})

test('compressed answers are read, and an unknown compression is named', async (t) => {
  const compressed: Record<string, Buffer> = { gzip: gzipSync('told'), br: brotliCompressSync('told'), zebra: Buffer.from('told') }
  const { url } = await startHttp(t, (request, response) => {
    const encoding = request.url?.slice(1) ?? ''
    response.writeHead(200, { 'content-encoding': encoding }).end(compressed[encoding])
  })
  for (const encoding of ['gzip', 'br']) assert.equal(await (await openFetch(`${url}/${encoding}`)).text(), 'told')
  await assert.rejects(openFetch(`${url}/zebra`), { message: 'the answer comes as zebra, which was not asked for' })
})

test('an answer that breaks off is an error, compressed or not', async (t) => {
  const { url } = await startHttp(t, (request, response) => {
    const isPlain = request.url === '/plain'
    response.writeHead(200, isPlain ? { 'content-length': '100' } : { 'content-encoding': 'gzip', 'content-length': '100' })
    response.write(isPlain ? 'half' : gzipSync('half').subarray(0, 12), () => response.destroy())
  })
  for (const path of ['plain', 'gzip']) {
    const response = await openFetch(`${url}/${path}`)
    await assert.rejects(response.text())
  }
})

test('the signal ends a request that waits for an answer, and one that reads it', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { url } = await startHttp(t, (request, response) => {
    if (request.url === '/begin') response.writeHead(200).write('some')
    else asked.resolve()
  })
  const waiting = new AbortController()
  const call = openFetch(`${url}/wait`, { signal: waiting.signal })
  await asked.promise
  waiting.abort(new Error('the plan was aborted'))
  await assert.rejects(call, { message: 'the plan was aborted' })
  const reading = new AbortController()
  const response = await openFetch(`${url}/begin`, { signal: reading.signal })
  reading.abort()
  await assert.rejects(response.text())
})
