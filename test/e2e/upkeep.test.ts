import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { endpoints } from '#contracts/api.ts'
import { outpost } from '../cli/outpost.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { tinyGguf } from '../helpers/gguf.ts'
import { callOwner } from '../helpers/owner.ts'
import { until } from '../helpers/processes.ts'
import { fakeCatalogue, startTestServer, type TestServer } from '../helpers/server.ts'

/** A model of the fake engine whose weights weigh something: its traits, padded. */
function weighty(folder: string, id: string, size: number) {
  const path = join(folder, `${id}.json`)
  const bytes = JSON.stringify({ loadMs: id.length }).padEnd(size, ' ')
  writeFileSync(path, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const file = { name: `${id}.json`, size, sha256, sources: [`file:${path}`] }
  const entry = { id, name: id, description: 'for tests', kind: 'chat', engine: 'fake', licence: 'MIT', contextWindow: 8192, files: [file] }
  return { entry, path, bytes, sha256 }
}

async function call(server: TestServer, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const reply = await callOwner(server.socket, method, path, body)
  return { status: reply.status, body: JSON.parse(await reply.text()) }
}

const ask = (server: TestServer, model: string, content = 'fake: tokens=1', signal?: AbortSignal) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content }] }),
    ...(signal === undefined ? {} : { signal })
  })

const stateOf = async (server: TestServer, id: string) => {
  const { models } = endpoints.models.reply.parse((await call(server, 'GET', '/outpost/models')).body)
  return models.find((model) => model.id === id) ?? assert.fail(id)
}

test('weights and memory are kept in order while the server runs', async (t) => {
  const shelf = temporaryFolder(t)
  const [a, b] = [weighty(shelf, 'a', 6000), weighty(shelf, 'bb', 6001)]
  const server = await startTestServer(t, {
    catalogue: { ...fakeCatalogue, models: [...fakeCatalogue.models, a.entry, b.entry] },
    env: { OUTPOST_MEMORY_BUDGET: '10kB', OUTPOST_PRELOAD: 'fake-embed', OUTPOST_LOG_LEVEL: 'info' }
  })
  const { home } = server
  const typed = (args: string[], input?: string) => outpost(t, args, { home, ...(input === undefined ? {} : { input }) })
  const blob = (sha256: string) => join(home, 'models', 'blobs', `sha256-${sha256}`)
  for (const id of ['a', 'bb']) assert.equal((await typed(['pull', id])).code, 0)

  await t.test('two models that do not fit together take turns, and a stream that waits is told why', async () => {
    const long = new AbortController()
    const running = await ask(server, 'a', 'fake: tokens=100000 stepMs=5', long.signal)
    const waiting = await ask(server, 'bb')
    let seen = ''
    for await (const text of waiting.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      seen += text
      // It would run for minutes, and is not ended for the other's sake: its own client does.
      if (/^: bb waits for memory: a has 1 running request; the budget is/m.test(seen)) long.abort()
    }
    assert.match(seen, /waits for memory/)
    assert.match(seen, /\[DONE\]/)
    await assert.rejects(running.text(), { name: 'AbortError' })
    assert.equal((await stateOf(server, 'a')).state, 'present')
    assert.match(await (await ask(server, 'a')).text(), /\[DONE\]/)
  })

  await t.test('a pinned model stays, and the other one is refused with the reason', async () => {
    assert.match((await typed(['pin', 'a'])).stdout, /^a is never unloaded/)
    assert.equal((await stateOf(server, 'a')).pinned, true)
    const refused = await ask(server, 'bb')
    const { error } = (await refused.json()) as { error: { code: string; message: string } }
    assert.deepEqual([refused.status, error.code], [503, 'insufficient_memory'])
    assert.match(error.message, /pinned models a /)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.match((await stateOf(server, 'bb')).reason ?? '', /pinned/)
    const loading = await typed(['load', 'bb'])
    assert.equal(loading.code, 1)
    assert.match(loading.stderr, /pinned models a /)
    assert.match((await typed(['unpin', 'a'])).stdout, /^a makes room/)
    assert.equal((await ask(server, 'bb')).status, 200)
  })

  await t.test('the policy is shown, set, held at load and at pull, and taken back', async () => {
    assert.equal((await typed(['policy', 'show'])).stdout, 'Everything is allowed.\n')
    const set = await typed(['policy', 'set', '-'], JSON.stringify({ models: { deny: ['bb'] }, sources: { deny: ['file'] } }))
    assert.equal(set.stdout, 'models deny: bb\nsources deny: file\n')
    await until(async () => (await stateOf(server, 'bb')).state === 'present', 'what is denied is unloaded')
    const denied = await ask(server, 'bb')
    assert.equal(denied.status, 403)
    const { error } = (await denied.json()) as { error: { code: string; message: string } }
    assert.equal(error.code, 'policy_denied')
    assert.match(error.message, /bb may not be loaded: .* denies the model bb \(bb\)/)
    assert.match((await stateOf(server, 'bb')).reason ?? '', /denies the model bb/)
    assert.equal((await ask(server, 'a')).status, 200)
    assert.equal((await typed(['rm', 'a'])).code, 0)
    const pulled = await typed(['pull', 'a'])
    assert.equal(pulled.code, 1)
    assert.match(pulled.stderr, /a may not be pulled: the policy of this machine denies weights from file/)
    const wrong = await typed(['policy', 'set', '-'], '{"model": {"deny": ["bb"]}}')
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /Unrecognized key/)
    assert.equal((await typed(['policy', 'set', '-'], '{}')).code, 0)
    assert.equal((await typed(['pull', 'a'])).code, 0)
  })

  await t.test('a file that rotted is found, put aside and fetched again', async () => {
    writeFileSync(blob(a.sha256), a.bytes.replace('{', '['))
    const told = await typed(['verify', 'a'])
    assert.equal(told.code, 0, told.stdout + told.stderr)
    assert.match(told.stdout, /^✔ a: a\.json had rotted, and was fetched again/)
    assert.equal(readFileSync(blob(a.sha256), 'utf8'), a.bytes)
    writeFileSync(a.path, 'gone bad as well')
    writeFileSync(blob(a.sha256), a.bytes.replace('{', '['))
    const all = await typed(['verify-store', '--json'])
    assert.equal(all.code, 1)
    const { files } = JSON.parse(all.stdout) as { files: { model: string; state: string; message: string | null }[] }
    assert.deepEqual(files.map(({ model, state }) => [model, state]).sort(), [
      ['a', 'rotten'],
      ['bb', 'right']
    ])
    assert.equal(readdirSync(join(home, 'models', 'quarantine')).length, 2)
    await until(async () => (await stateOf(server, 'a')).state === 'absent', 'its worker has ended')
    assert.equal((await ask(server, 'a')).status, 503, 'never loaded')
    writeFileSync(a.path, a.bytes)
    assert.equal((await typed(['pull', 'a'])).code, 0)
  })

  await t.test('a file of another program is used where it lies, and is not ours to delete', async () => {
    const path = tinyGguf(join(temporaryFolder(t), 'Tiny.gguf'))
    const found = JSON.parse((await typed(['adopt', '--scan', join(path, '..'), '--json'])).stdout) as { found: { id: string; isAdopted: boolean }[] }
    assert.deepEqual(
      found.found.map(({ id, isAdopted }) => [id, isAdopted]),
      [['tiny', false]]
    )
    assert.match((await typed(['adopt', path, '--name', 'mine'])).stdout, /^mine is here/)
    assert.equal((await stateOf(server, 'mine')).state, 'present')
    utimesSync(path, new Date(), new Date(Date.now() + 9000))
    await until(async () => (await stateOf(server, 'mine')).state === 'absent', 'the change is seen')
    assert.match((await stateOf(server, 'mine')).reason ?? '', /has changed since/)
    assert.equal((await typed(['verify', 'mine'])).code, 0)
    assert.equal((await stateOf(server, 'mine')).state, 'present')
    assert.match((await typed(['rm', 'mine'])).stdout, /^mine is removed, 0 B are free again\. .* stay/)
    assert.ok(existsSync(path))
  })

  await t.test('garbage is shown, then deleted', async () => {
    const orphan = blob('a'.repeat(64))
    writeFileSync(orphan, '12345')
    assert.equal((await typed(['gc'])).stdout, 'There is nothing to delete.\n')
    assert.match((await typed(['gc', '--dry-run', '--older-than', '0'])).stdout, /unused blob +5 B .*would be free again/s)
    assert.ok(existsSync(orphan))
    assert.equal((await typed(['gc', '--older-than', '0'])).code, 0)
    assert.ok(!existsSync(orphan))
    assert.deepEqual(readdirSync(join(home, 'models', 'quarantine')), [])
  })

  await t.test('removing a model tells what became free, ends its worker and leaves its requests an answer', async () => {
    const running = await ask(server, 'a', 'fake: tokens=300 stepMs=2')
    await until(async () => (await stateOf(server, 'a')).state === 'ready', 'a is loaded')
    assert.equal((await typed(['rm', 'a'])).stdout, 'a is removed, 6.0 kB are free again.\n')
    assert.match(await running.text(), /\[DONE\]/)
    assert.equal((await ask(server, 'a')).status, 503)
    await until(async () => (await stateOf(server, 'a')).state === 'absent', 'its worker has ended')
    assert.ok(!existsSync(blob(a.sha256)))
    assert.equal((await typed(['rm', 'a'])).code, 1)
    await until(async () => (await stateOf(server, 'bb')).state === 'present', 'b is as it was')
  })

  await t.test('each of it is in the log: who, and what', () => {
    const lines = server
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"audit":true'))
      .map((line) => JSON.parse(line) as { action: string; clientId: string; model?: string })
    assert.ok(lines.every(({ clientId }) => clientId === 'owner'))
    const actions = new Set(lines.map(({ action }) => action))
    const wanted = [
      'adopt model',
      'collect garbage',
      'load model',
      'pin model',
      'pull model',
      'remove model',
      'set policy',
      'unpin model',
      'verify model'
    ]
    assert.deepEqual(
      wanted.filter((action) => !actions.has(action)),
      []
    )
  })

  await t.test('a second start reads no weights, keeps pins and policy, and a command without a server holds the policy as well', async () => {
    assert.equal((await typed(['policy', 'set', '-'], JSON.stringify({ licences: { allow: ['Apache-2.0'] } }))).code, 0)
    assert.equal((await typed(['pin', 'fake'])).code, 0)
    await server.stop()
    const pulled = await typed(['pull', 'a'])
    assert.equal(pulled.code, 1)
    assert.match(pulled.stderr, /does not allow the licence MIT/)
    assert.match((await typed(['policy', 'show'])).stdout, /^licences allow: Apache-2\.0$/m)
    assert.match((await typed(['rm', 'bb'])).stdout, /^bb is removed, 6.0 kB are free again\.$/m)
    assert.equal((await typed(['gc'])).code, 0)
    assert.equal((await typed(['verify-store'])).stdout, 'There is nothing to verify.\n')
    const next = await startTestServer(t, { home, catalogue: null })
    assert.equal((await stateOf(next, 'fake')).pinned, true)
    assert.equal((await ask(next, 'fake')).status, 200)
  })
})

test('only administrators and the owner look after weights', async (t) => {
  const server = await startTestServer(t, { until: 'listening' })
  const orders: [method: string, path: string][] = [
    ['DELETE', '/outpost/models/fake'],
    ['POST', '/outpost/models/fake/pin'],
    ['POST', '/outpost/models/fake/unpin'],
    ['POST', '/outpost/models/fake/verify'],
    ['POST', '/outpost/adoptions'],
    ['POST', '/outpost/store/verify'],
    ['GET', '/outpost/store/verification'],
    ['POST', '/outpost/store/gc'],
    ['GET', '/outpost/policy'],
    ['POST', '/outpost/policy']
  ]
  const made = endpoints.createKey.reply.parse((await call(server, 'POST', '/outpost/keys', { name: 'user' })).body)
  for (const [method, path] of orders) {
    for (const headers of [{}, { 'x-api-key': made.secret }]) {
      assert.equal((await fetch(`${server.url}${path}`, { method, headers })).status, 403, `${method} ${path}`)
    }
  }
})
