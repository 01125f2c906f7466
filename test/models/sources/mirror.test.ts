import assert from 'node:assert/strict'
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import { publicHub } from '../../../server/config.ts'
import { AppError } from '../../../server/errors.ts'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { isPrivateAddress } from '../../../server/models/sources/addresses.ts'
import { chooseSources } from '../../../server/models/sources/choose.ts'
import { mirrorSource } from '../../../server/models/sources/mirror.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { startFileServer } from '../file-server.ts'
import { assertSameBytes, catalogueOf, entryOf, fileOf, settings, sha256Of, silent, someBytes, temporaryFolder } from '../fixtures.ts'

const bytes = someBytes(5000)

function pull(folder: string, mirror: string, options: { airGap?: boolean; sources?: string[]; endpoint?: string } = {}) {
  const entry = entryOf([fileOf(bytes, options.sources)])
  const store = createModelStore({ folder, catalogue: catalogueOf(entry), log: silent })
  const huggingFace = { endpoint: options.endpoint ?? 'http://127.0.0.1:9', token: undefined }
  const sources = settings({ mirrors: [mirror], airGap: options.airGap ?? false, huggingFace })
  return pullModel({ entry, store, sources, log: silent })
}

test('a mirror is asked for the name of the file, then for its hash', async () => {
  using folder = temporaryFolder()
  await using server = await startFileServer((path) => (path === `/some/where/sha256-${sha256Of(bytes)}` ? { bytes } : undefined))
  const model = await pull(folder.path, `${server.url}/some/where`)
  assertSameBytes(readFileSync(model.files[0]?.path ?? ''), bytes)
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ['/some/where/weights.bin', `/some/where/sha256-${sha256Of(bytes)}`]
  )
})

test('name and password of a mirror are sent as Basic, and shown nowhere', async () => {
  using folder = temporaryFolder()
  await using server = await startFileServer(() => undefined)
  await assert.rejects(pull(folder.path, server.url.replace('//', '//anna:canary%21@')), (error) => {
    assert.ok(error instanceof AppError)
    assert.doesNotMatch(error.message, /canary/)
    return true
  })
  assert.equal(server.requests[0]?.authorization, `Basic ${Buffer.from('anna:canary!').toString('base64')}`)
})

test('behind the air gap a mirror on this machine is asked, and nothing outside, nor pip', async () => {
  using folder = temporaryFolder()
  await using server = await startFileServer(() => undefined)
  const sources = ['pip:some-package==1!weights.bin', 'hf:org/repo/weights.bin']
  await assert.rejects(pull(folder.path, server.url, { airGap: true, sources, endpoint: 'https://192.0.2.1' }), (error) => {
    assert.ok(error instanceof AppError)
    assert.match(error.message, /mirror http:\/\/127\.0\.0\.1:\d+\/: answered 404/)
    assert.match(error.message, /pip .*: not asked: OUTPOST_AIR_GAP is on/)
    assert.match(error.message, /Hugging Face org\/repo: not asked: OUTPOST_AIR_GAP is on, and 192\.0\.2\.1 .* is not on this machine or its LAN/)
    return true
  })
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ['/weights.bin', `/sha256-${sha256Of(bytes)}`, `/outpost/blobs/${sha256Of(bytes)}`]
  )
})

test('behind the air gap not even the name of the public hub is asked for', async (t) => {
  const asked = t.mock.method(dns, 'lookup', () => assert.fail('a name was asked for'))
  const [hub] = chooseSources(
    fileOf(bytes, ['hf:org/repo/weights.bin']),
    settings({ airGap: true, huggingFace: { endpoint: publicHub, token: undefined } })
  )
  const request = { file: fileOf(bytes), from: 0, validator: undefined, scratch: () => '', signal: new AbortController().signal, stallMs: 1000 }
  await assert.rejects(hub?.open({ ...request, onProgress: () => {} }) ?? assert.fail(), /not asked: OUTPOST_AIR_GAP is on/)
  assert.equal(asked.mock.callCount(), 0)
})

test('behind the air gap a redirect to the outside is not followed', async () => {
  using folder = temporaryFolder()
  await using server = await startFileServer(() => ({ status: 302, headers: { location: 'http://192.0.2.1/weights.bin' } }))
  await assert.rejects(pull(folder.path, server.url, { airGap: true }), /192\.0\.2\.1 .* is not on this machine or its LAN/)
})

test('behind the air gap a name is judged by the address it has', async () => {
  using folder = temporaryFolder()
  await using server = await startFileServer(() => ({ bytes }))
  const model = await pull(folder.path, server.url.replace('127.0.0.1', 'localhost'), { airGap: true })
  assert.equal(model.files[0]?.size, bytes.length)
})

test('behind the air gap a name whose addresses are not all private is not connected to', async (t) => {
  using folder = temporaryFolder()
  // The resolver is the outside network here; net.connect and our guard both ask it.
  t.mock.method(dns, 'lookup', (_name: string, _options: unknown, callback: (error: null, addresses: dns.LookupAddress[]) => void) => {
    callback(null, [
      { address: '10.0.0.1', family: 4 },
      { address: '192.0.2.1', family: 4 }
    ])
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  const refused = /OUTPOST_AIR_GAP is on, and weights\.example \(192\.0\.2\.1\) is not on this machine or its LAN/
  const source = mirrorSource('http://weights.example', { airGap: true })
  const signal = new AbortController().signal
  const request = { file: fileOf(bytes), from: 0, validator: undefined, scratch: () => folder.path, signal, stallMs: 1000, onProgress: () => {} }
  await assert.rejects(source.open(request), refused)
})

test('private addresses are told from public ones', () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.1.1', '::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1']) {
    assert.ok(isPrivateAddress(address), address)
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '192.0.2.1', '2001:db8::1', '::ffff:8.8.8.8', 'not-an-address']) {
    assert.ok(!isPrivateAddress(address), address)
  }
})
