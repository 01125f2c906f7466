import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { type Answer, startFileServer } from '../file-server.ts'
import { assertSameBytes, catalogueOf, entryOf, fileOf, settings, sha256Of, silent, someBytes, temporaryFolder } from '../fixtures.ts'

const bytes = someBytes()
const reference = 'hf:some-org/some-repo/quantised/weights.bin@0123abc'

/** The two hosts of the real thing: one that knows repositories and redirects, one that has the bytes. */
async function startHub(change: { hub?: Answer; cdn?: Answer } = {}) {
  const cdn = await startFileServer(() => ({ bytes, etag: '"cdn-1"', ...change.cdn }))
  const location = { location: `${cdn.url}/blob?signature=x`, 'x-linked-etag': `"${sha256Of(bytes)}"`, 'x-linked-size': String(bytes.length) }
  const hub = await startFileServer((path) =>
    path === '/some-org/some-repo/resolve/0123abc/quantised/weights.bin' ? { status: 302, headers: location, ...change.hub } : undefined
  )
  return {
    hub,
    cdn,
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]()
      await cdn[Symbol.asyncDispose]()
    }
  }
}

async function pull(folder: string, endpoint: string, options: { token?: string; partial?: Buffer } = {}): Promise<Buffer> {
  const entry = entryOf([fileOf(bytes, [reference])])
  const store = createModelStore({ folder, catalogue: catalogueOf(entry), log: silent })
  const sources = settings({ huggingFace: { endpoint, token: options.token } })
  const model = await pullModel({ entry, store, sources, log: silent })
  return readFileSync(model.files[0]?.path ?? '')
}

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'weights_unavailable' && message.test(error.message)

test('a file comes over the redirect of the hub, at the pinned revision', async () => {
  using folder = temporaryFolder()
  await using hosts = await startHub()
  assertSameBytes(await pull(folder.path, `${hosts.hub.url}/`), bytes)
  assert.equal(hosts.cdn.requests.length, 1)
})

test('the token goes to the hub and never to the host it redirects to', async () => {
  using folder = temporaryFolder()
  await using hosts = await startHub()
  await pull(folder.path, hosts.hub.url, { token: 'hf_canary' })
  assert.deepEqual(hosts.hub.requests[0]?.authorization, 'Bearer hf_canary')
  assert.deepEqual(hosts.cdn.requests[0]?.authorization, undefined)
})

test('a break is taken up at the CDN with Range and its ETag', async () => {
  using folder = temporaryFolder()
  let cut = true
  const cdn: Answer = {
    get cutAfter() {
      const now = cut ? 90_000 : undefined
      cut = false
      return now as number
    }
  }
  await using hosts = await startHub()
  await using breaking = await startFileServer(() => ({ bytes, etag: '"cdn-1"', ...cdn }))
  await using hub = await startFileServer(() => ({ status: 307, headers: { location: `${breaking.url}/blob` } }))
  assertSameBytes(await pull(folder.path, hub.url), bytes)
  assert.deepEqual(
    breaking.requests.map(({ range, ifRange }) => [range, ifRange]),
    [
      [undefined, undefined],
      ['bytes=90000-', '"cdn-1"']
    ]
  )
  assert.equal(hosts.cdn.requests.length, 0)
})

test('a gated repository says what to do, with and without a token, and no token is shown', async () => {
  using folder = temporaryFolder()
  await using hosts = await startHub({ hub: { status: 403, headers: { 'x-error-code': 'GatedRepo' } } })
  await assert.rejects(pull(folder.path, hosts.hub.url), refused(/answered 403: .*terms.*set HF_TOKEN/))
  await assert.rejects(pull(folder.path, hosts.hub.url, { token: 'hf_canary' }), (error) => {
    assert.ok(refused(/answered 403: the account of HF_TOKEN may not read it/)(error))
    assert.doesNotMatch((error as Error).message, /canary/)
    return true
  })
  await using closed = await startHub({ hub: { status: 401, headers: { 'x-error-code': 'RepoNotFound' } } })
  await assert.rejects(pull(folder.path, closed.hub.url), refused(/answered 401/))
})

test('another file under the same name is refused before it is downloaded', async () => {
  using folder = temporaryFolder()
  await using hosts = await startHub({ hub: { headers: { location: '/elsewhere', 'x-linked-etag': `"${'a'.repeat(64)}"` } } })
  await assert.rejects(pull(folder.path, hosts.hub.url), refused(/another file under this name now \(sha256 a{64}\)/))
  await using longer = await startFileServer(() => ({ bytes: Buffer.concat([bytes, bytes]) }))
  await assert.rejects(pull(folder.path, longer.url), refused(/has a file of 600000 bytes, the catalogue says 300000/))
})

test('redirects without end and redirects to a file are refused', async () => {
  using folder = temporaryFolder()
  await using circle = await startFileServer(() => ({ status: 302, headers: { location: '/again' } }))
  await assert.rejects(pull(folder.path, circle.url), refused(/more than 5 redirects/))
  writeFileSync(`${folder.path}/secret`, 'x')
  await using sideways = await startFileServer(() => ({ status: 302, headers: { location: `file://${folder.path}/secret` } }))
  await assert.rejects(pull(folder.path, sideways.url), refused(/redirects to file:.*not safe/))
})

test('a source that is no reference to a file of a repository is passed over with its form', async () => {
  using folder = temporaryFolder()
  const entry = entryOf([fileOf(bytes, ['hf:only-a-name'])])
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(entry), log: silent })
  await assert.rejects(
    pullModel({ entry, store, sources: settings(), log: silent }),
    refused(/hf:only-a-name is not of the form hf:org\/repo\/file@revision/)
  )
})
