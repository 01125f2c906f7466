import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PinnedEntry } from '#contracts/model.ts'
import { createLog } from '../../server/log.ts'
import { createModelStore } from '../../server/models/store/store.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { buildGguf, type GgufSpec, smallGguf, tinyGguf } from '../helpers/gguf.ts'
import { callOwner } from '../helpers/owner.ts'
import { problemOf } from '../helpers/problem.ts'
import { until } from '../helpers/processes.ts'
import { fakeCatalogue, startTestServer, type TestServer } from '../helpers/server.ts'

const readiness = async (server: TestServer) => problemOf(await fetch(`${server.url}/readyz`))

const chat = (server: TestServer, model: string) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 4, messages: [{ role: 'user', content: 'hello' }] })
  })

test('a file that is truncated or lies in its header is refused at the start, in one line that names it', async (t) => {
  const folder = temporaryFolder(t)
  const truncated = tinyGguf(join(folder, 'truncated.gguf'))
  truncateSync(truncated, 40_000)
  const lying = join(folder, 'lying.gguf')
  writeFileSync(lying, buildGguf(smallGguf({ tensors: [{ name: 'a.weight', dimensions: [2n ** 40n, 8n], offset: 0n }] })))
  const cases: [path: string, reason: RegExp][] = [
    [truncated, /^outpost: \S+truncated\.gguf is truncated, or its header lies: it needs \d+ bytes and has 40000\. .*$/m],
    [lying, /^outpost: \S+lying\.gguf is truncated, or its header lies: it needs \d+ bytes and has \d+\. .*$/m],
    [join(folder, 'none.gguf'), /^outpost: \S+none\.gguf cannot be opened: .*ENOENT.*$/m]
  ]
  await Promise.all(cases.map(([path, reason]) => assert.rejects(startTestServer(t, { args: ['--model', path] }), reason)))
})

test('a file that only the engine finds unusable leaves the server up, says why, and is no obstacle to other models', async (t) => {
  const path = join(temporaryFolder(t), 'strange.gguf')
  const fields: GgufSpec['fields'] = smallGguf().fields.map(([key, value]) =>
    key === 'general.architecture' ? [key, { text: 'strange' }] : [key.replace(/^llama\./, 'strange.'), value]
  )
  writeFileSync(path, buildGguf(smallGguf({ fields })))
  const server = await startTestServer(t, { args: ['--model', path], until: 'listening' })
  await until(async () => (await readiness(server)).code === 'model_failed', 'it is given up')
  const problem = await readiness(server)
  assert.equal(problem.status, 503)
  assert.match(problem.message, /^strange cannot be loaded: .*strange\.gguf.*outpost load strange$/)
  assert.match(server.stderr(), /^outpost: .* cannot answer: strange cannot be loaded/m)
  const refused = await problemOf(await chat(server, 'strange'))
  assert.deepEqual([refused.status, refused.code], [503, 'model_failed'])
  assert.equal((await chat(server, 'fake')).status, 200)
})

test('a model whose worker dies at load three times is given up with the reason, and is loaded when asked for again', async (t) => {
  const home = temporaryFolder(t)
  // The fake engine reads how to behave from its "weights".
  const broken = Buffer.from('{"crashAtLoad":true }')
  const file = { name: 'traits.json', size: broken.length, sha256: createHash('sha256').update(broken).digest('hex'), sources: [] }
  const entry = { ...fakeCatalogue.models[0], id: 'fragile', aliases: [], files: [file] } as PinnedEntry // Checked when the catalogue is read.
  const catalogue = { defaults: { chat: 'fragile', embedding: 'fake-embed' }, models: [...fakeCatalogue.models, entry] }
  const store = createModelStore({
    folder: join(home, 'models'),
    catalogue: { defaults: catalogue.defaults, models: [entry] },
    log: createLog({ level: 'silent' })
  })
  mkdirSync(join(home, 'models', 'blobs'), { recursive: true })
  writeFileSync(store.blobPath(file.sha256), broken)
  store.add(entry)

  const server = await startTestServer(t, { home, catalogue, until: 'listening' })
  await until(async () => (await readiness(server)).code === 'model_failed', 'it is given up')
  assert.match(
    (await readiness(server)).message,
    /^fragile failed to load 3 times: the worker ended while loading \(SIGKILL\).*outpost load fragile$/
  )
  assert.equal((await problemOf(await chat(server, 'fragile'))).code, 'model_failed')

  writeFileSync(store.blobPath(file.sha256), '{"crashAtLoad":false}')
  assert.equal((await callOwner(server.socket, 'POST', '/outpost/models/fragile/load')).status, 202)
  await until(async () => (await fetch(`${server.url}/readyz`)).status === 200, 'it is loaded')
  assert.equal((await chat(server, 'fragile')).status, 200)
})
