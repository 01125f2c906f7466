import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/folder.ts'
import { writeCatalogue } from '../helpers/server.ts'
import { startFileServer } from '../models/file-server.ts'
import { outpost } from './outpost.ts'

test('weights come through the proxy that HTTP_PROXY names', async (t) => {
  const bytes = randomBytes(5000)
  // A proxy gets the whole address as its path; whatever host was asked for, this one answers.
  await using proxy = await startFileServer((path) => (path.endsWith('/tiny.bin') ? { bytes } : undefined))
  const home = temporaryFolder(t)
  const file = { name: 'tiny.bin', size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), sources: [] }
  const model = { name: 'Tiny', description: 'for tests', kind: 'chat', engine: 'llama', licence: 'Apache-2.0', contextWindow: 64 }
  writeCatalogue(home, { defaults: {}, models: [{ ...model, id: 'tiny', files: [file] }] })
  const env = { OUTPOST_MIRRORS: 'http://weights.example', HTTP_PROXY: proxy.url, http_proxy: undefined, NO_PROXY: undefined, no_proxy: undefined }
  const pulled = await outpost(t, ['pull', 'tiny'], { home, env })
  assert.equal(pulled.code, 0, pulled.stderr)
  assert.ok(proxy.requests.length > 0)
})

test('a place outside that redirects to this machine is not followed, also behind a proxy', async (t) => {
  const bytes = randomBytes(5000)
  await using secret = await startFileServer(() => ({ bytes }))
  await using proxy = await startFileServer(() => ({ status: 302, headers: { location: `${secret.url}/tiny.bin` } }))
  const home = temporaryFolder(t)
  const file = {
    name: 'tiny.bin',
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sources: ['http://weights.example/tiny.bin']
  }
  const model = { name: 'Tiny', description: 'for tests', kind: 'chat', engine: 'llama', licence: 'Apache-2.0', contextWindow: 64 }
  writeCatalogue(home, { defaults: {}, models: [{ ...model, id: 'tiny', files: [file] }] })
  const env = { OUTPOST_MIRRORS: undefined, HTTP_PROXY: proxy.url, http_proxy: undefined, NO_PROXY: undefined, no_proxy: undefined }
  const pulled = await outpost(t, ['pull', 'tiny'], { home, env })
  assert.equal(pulled.code, 1)
  assert.match(pulled.stderr, /redirects to 127\.0\.0\.1:\d+ \(127\.0\.0\.1\), an address of this machine or its network/)
  assert.deepEqual(secret.requests, [])
})
