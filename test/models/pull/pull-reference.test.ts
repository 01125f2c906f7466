import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { parsePullReference, resolvePullReference } from '../../../server/models/pull/pull-reference.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { buildGguf, smallGguf } from '../../helpers/gguf.ts'
import { buildSafetensors } from '../../helpers/safetensors.ts'
import { startFileServer } from '../file-server.ts'
import { assertSameBytes, catalogueOf, entryOf, settings, sha256Of, silent, someBytes, temporaryFolder } from '../fixtures.ts'
import { commit, type HubFixture, startHubServer } from '../hub-server.ts'
import { startWebServer } from '../web-server.ts'

const gguf = buildGguf(smallGguf())
const signal = new AbortController().signal
const quantised = {
  'README.md': Buffer.from('# hello'),
  'Some-Model-Q4_K_M.gguf': gguf,
  'Some-Model-Q8_0.gguf': someBytes(5000),
  'mmproj-F16.gguf': someBytes(2000)
}

async function resolveAt(reference: string, fixture: HubFixture, isTaken = (_id: string, _reference: string) => false) {
  await using hub = await startHubServer(fixture)
  const sources = settings({ huggingFace: { endpoint: hub.url, token: undefined } })
  return await resolvePullReference(reference, { settings: sources, isTaken, signal })
}

const refused = (code: string, message: RegExp) => (error: unknown) => error instanceof AppError && error.code === code && message.test(error.message)

test('a quantisation of a repository is pulled at the commit it stood at, described by its header, and known by its place', async () => {
  using folder = temporaryFolder()
  await using hub = await startHubServer({ files: quantised })
  const sources = settings({ huggingFace: { endpoint: hub.url, token: undefined } })
  const entry = await resolvePullReference('hf:some-org/Some-Model-GGUF:q4_k_m', { settings: sources, isTaken: () => false, signal })
  assert.equal(entry.id, 'some-model:q4_k_m')
  assert.deepEqual(entry.aliases, ['hf:some-org/Some-Model-GGUF:Q4_K_M', 'hf:some-org/Some-Model-GGUF:q4_k_m'])
  assert.deepEqual([entry.licence, entry.revision, entry.engine], ['Apache-2.0', commit, 'llama'])
  assert.equal(entry.files[0]?.sha256, sha256Of(gguf))
  assert.deepEqual(entry.files[0]?.sources, [`hf:some-org/Some-Model-GGUF/Some-Model-Q4_K_M.gguf@${commit}`])

  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(), log: silent })
  const model = await pullModel({ entry, store, sources, log: silent })
  assertSameBytes(readFileSync(model.files[0]?.path ?? ''), gguf)
  assert.ok(model.entry.contextWindow > 1, 'its header says how much')
  assert.equal(model.entry.files[0]?.firstUse?.source, 'Hugging Face some-org/Some-Model-GGUF')
  assert.equal(store.find('hf:some-org/Some-Model-GGUF:Q4_K_M')?.entry.id, 'some-model:q4_k_m')
})

test('a place is one file, one quantisation, or the usual one; a wrong one lists what there is', async () => {
  const byPath = await resolveAt('hf:some-org/Some-Model-GGUF/Some-Model-Q8_0.gguf@main', { files: quantised })
  assert.deepEqual([byPath.id, byPath.files.map(({ name }) => name)], ['some-model:q8_0', ['Some-Model-Q8_0.gguf']])
  assert.equal((await resolveAt('hf:some-org/Some-Model-GGUF', { files: quantised })).id, 'some-model:q4_k_m')
  const only = await resolveAt('hf:some-org/Some-Model-GGUF', { files: { 'x.IQ3_XXS.gguf': gguf } })
  assert.equal(only.id, 'some-model:iq3_xxs')
  await assert.rejects(
    resolveAt('hf:some-org/Some-Model-GGUF:Q5_K_S', { files: quantised }),
    refused('invalid_request', /has no Q5_K_S; there are Q4_K_M, Q8_0/)
  )
  await assert.rejects(
    resolveAt('hf:some-org/Some-Model-GGUF/none.gguf', { files: quantised }),
    refused('invalid_request', /names none\.gguf, which some-org/)
  )
  const taken = await resolveAt('hf:some-org/Some-Model-GGUF:Q8_0', { files: quantised }, (id) => id === 'some-model:q8_0')
  assert.equal(taken.id, 'some-org.some-model:q8_0')
  const pinned = await resolveAt(
    `hf:some-org/Some-Model-GGUF:Q8_0@${commit}`,
    { files: quantised },
    (id, reference) => !id.startsWith('01234567.') && reference.includes('@')
  )
  assert.deepEqual([pinned.id, pinned.reference], ['01234567.some-model:q8_0', `hf:some-org/Some-Model-GGUF:Q8_0@${commit}`])
})

test('a split model comes with all its parts, in order, and one that lacks a part is refused', async () => {
  const part = (index: number) => `Q4_K_M/Big-Q4_K_M-0000${index}-of-00003.gguf`
  const files = { [part(2)]: someBytes(2000), [part(1)]: gguf, [part(3)]: someBytes(3000) }
  const entry = await resolveAt('hf:some-org/Some-Model-GGUF:Q4_K_M', { files })
  assert.deepEqual(
    entry.files.map(({ name }) => name),
    [1, 2, 3].map((index) => `Big-Q4_K_M-0000${index}-of-00003.gguf`)
  )
  delete files[part(3)]
  await assert.rejects(
    resolveAt('hf:some-org/Some-Model-GGUF:Q4_K_M', { files }),
    refused('invalid_request', /Big-Q4_K_M-00003-of-00003\.gguf, which/)
  )
})

test('safetensors come as a folder for vLLM, without pickles; pickles alone are refused', async () => {
  const config = Buffer.from(JSON.stringify({ architectures: ['LlamaForCausalLM'], max_position_embeddings: 4096 }))
  const shard = (name: string) => buildSafetensors({ [name]: { dtype: 'F32', shape: [500] } })
  const files = {
    'config.json': config,
    'tokenizer.json': someBytes(1500),
    'model-00001-of-00002.safetensors': shard('first'),
    'model-00002-of-00002.safetensors': shard('second'),
    'model.safetensors.index.json': Buffer.from(
      JSON.stringify({ weight_map: { first: 'model-00001-of-00002.safetensors', second: 'model-00002-of-00002.safetensors' } })
    ),
    'pytorch_model.bin': someBytes(4000),
    'original/consolidated.safetensors': someBytes(10),
    'README.md': someBytes(10)
  }
  const entry = await resolveAt('hf:some-org/Some-Model-GGUF', { files })
  assert.equal(entry.engine, 'vllm')
  assert.deepEqual(
    entry.files.map(({ name }) => name),
    ['config.json', 'tokenizer.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json']
  )
  assert.equal(entry.files[0]?.sha256, undefined, 'nobody says what the small file is')
  using folder = temporaryFolder()
  await using hub = await startHubServer({ files })
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(), log: silent })
  const model = await pullModel({ entry, store, sources: settings({ huggingFace: { endpoint: hub.url, token: undefined } }), log: silent })
  assert.deepEqual([model.files.length, model.entry.contextWindow], [5, 4096])
  await assert.rejects(
    resolveAt('hf:some-org/Some-Model-GGUF', { files: { 'pytorch_model.bin': someBytes(10) } }),
    refused('invalid_request', /only as pickles/)
  )
})

test('a gated repository, one that is not there and an answer of something else are told apart', async () => {
  const gated = resolveAt('hf:some-org/Some-Model-GGUF', { files: {}, answer: { status: 403, headers: { 'x-error-code': 'GatedRepo' } } })
  await assert.rejects(
    gated,
    refused('weights_unavailable', /answered 403: .*Accept them on its page \(http.*some-org\/Some-Model-GGUF\), then set HF_TOKEN/)
  )
  await assert.rejects(resolveAt('hf:some-org/none', { files: {} }), refused('weights_unavailable', /answered 404 for some-org\/none at main/))
  const page = { bytes: Buffer.from('<html>'), headers: { 'content-type': 'text/html' } }
  await assert.rejects(resolveAt('hf:some-org/x', { files: {}, answer: page }), refused('weights_unavailable', /not understood/))
})

test('what is no place is a name, and a place that cannot be used says why', () => {
  assert.equal(parsePullReference('smollm2:135m'), undefined)
  assert.throws(() => parsePullReference('hf:only-a-name'), refused('invalid_request', /is not of the form hf:org\/repo:Q4_K_M/))
  assert.throws(() => parsePullReference('https://example.org/model.bin'), refused('invalid_request', /does not end in \.gguf/))
  assert.throws(
    () => parsePullReference('https://anna:canary@example.org/x.gguf'),
    (error: Error) => {
      assert.match(error.message, /has a name or password in it/)
      assert.doesNotMatch(error.message, /canary/)
      return true
    }
  )
})

test('what nobody vouches for does not come over plain HTTP from outside', async () => {
  const resolve = (address: string, mirrors: string[] = []) =>
    resolvePullReference(address, { settings: settings({ mirrors }), isTaken: () => false, signal })
  await assert.rejects(resolve('http://weights.example/x.gguf'), refused('invalid_request', /comes over plain HTTP.*use https/))
  assert.equal((await resolve('http://192.168.1.5/x.gguf')).id, 'x')
  assert.equal((await resolve('http://files.lan/x.gguf', ['http://files.lan/models'])).id, 'x')
  assert.equal((await resolve('https://weights.example/x.gguf')).id, 'x')
})

test('a file nobody vouches for is pinned to what came first, says so, and never becomes another one', async () => {
  using folder = temporaryFolder()
  let bytes = gguf
  await using server = await startFileServer(() => ({ bytes }))
  const entry = await resolvePullReference(`${server.url}/Tiny%20One.Q4_0.gguf`, { settings: settings(), isTaken: () => false, signal })
  assert.deepEqual([entry.id, entry.files[0]?.name, entry.files[0]?.sha256], ['tiny-one.q4_0', 'Tiny-One.Q4_0.gguf', undefined])
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(), log: silent })
  const warnings: string[] = []
  const pull = () => pullModel({ entry, store, sources: settings(), log: silent, onWarning: (message) => warnings.push(message) })
  const model = await pull()
  assert.equal(model.files[0]?.sha256, sha256Of(gguf))
  assert.match(warnings[0] ?? '', new RegExp(`^Nobody vouches for Tiny-One\\.Q4_0\\.gguf: .*pinned to sha256 ${sha256Of(gguf)}`))
  const manifest = JSON.parse(readFileSync(join(folder.path, 'manifests', 'tiny-one.q4_0.json'), 'utf8'))
  assert.equal(manifest.entry.files[0].firstUse.source, `${server.url}/Tiny%20One.Q4_0.gguf`)

  // The file is lost, and its source has another one of the same size since.
  rmSync(model.files[0]?.path ?? '')
  bytes = Buffer.from(gguf)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  await assert.rejects(
    pull(),
    refused('weights_unavailable', new RegExp(`sent a wrong file: sha256 [0-9a-f]{64}, at its first pull http.* had ${sha256Of(gguf)}`))
  )
  bytes = gguf
  await pull()
  assert.equal(warnings.length, 1, 'it is said once')
})

test('an unknown file goes on where it broke, and one whose length nobody says is refused', async () => {
  using folder = temporaryFolder()
  let cut = true
  await using server = await startFileServer(() => ({ bytes: gguf, etag: '"1"', ...(cut ? { cutAfter: 100 } : {}) }))
  const entry = entryOf([{ name: 'x.gguf', sources: [`${server.url}/x.gguf`] }])
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(entry), log: silent })
  const onProgress = ({ received }: { received: number }) => {
    if (received >= 100) cut = false
  }
  await pullModel({ entry, store, sources: settings(), log: silent, onProgress })
  assert.equal(server.requests.at(-1)?.range?.startsWith('bytes='), true)
  await using unsized = await startWebServer((_request, response) => response.writeHead(200).end(gguf))
  const other = entryOf([{ name: 'x.gguf', sources: [`${unsized.url}/x.gguf`] }], 'other')
  await assert.rejects(pullModel({ entry: other, store, sources: settings(), log: silent }), /does not say how long the file is/)
})

test('what Hugging Face’s own tools have fetched is read from their cache instead of the network', async () => {
  using folder = temporaryFolder()
  using cache = temporaryFolder()
  const repository = join(cache.path, 'models--some-org--some-repo')
  mkdirSync(join(repository, 'snapshots', commit), { recursive: true })
  mkdirSync(join(repository, 'blobs'))
  mkdirSync(join(repository, 'refs'))
  writeFileSync(join(repository, 'refs', 'main'), commit)
  writeFileSync(join(repository, 'blobs', 'etag'), gguf)
  symlinkSync('../../blobs/etag', join(repository, 'snapshots', commit, 'x.gguf'))
  for (const revision of ['main', commit]) {
    const entry = entryOf([{ name: 'x.gguf', size: gguf.length, sha256: sha256Of(gguf), sources: [`hf:some-org/some-repo/x.gguf@${revision}`] }])
    const store = createModelStore({ folder: join(folder.path, revision), catalogue: catalogueOf(entry), log: silent })
    const sources = settings({ huggingFace: { endpoint: 'http://127.0.0.1:9', token: undefined, cache: cache.path } })
    const model = await pullModel({ entry, store, sources, log: silent })
    assertSameBytes(readFileSync(model.files[0]?.path ?? ''), gguf)
  }
})
