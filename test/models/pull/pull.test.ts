import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CatalogueEntry } from '#contracts/model.ts'
import { AppError } from '../../../server/errors.ts'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { createModelStore, type ModelStore } from '../../../server/models/store/store.ts'
import { verifyModel } from '../../../server/models/store/verify.ts'
import { buildGguf, smallGguf } from '../../helpers/gguf.ts'
import { startFileServer } from '../file-server.ts'
import { assertSameBytes, catalogueOf, entryOf, fileOf, settings, sha256Of, silent, someBytes, temporaryFolder } from '../fixtures.ts'
import { startPuller } from '../puller.ts'

function place(entry: CatalogueEntry, folder: string): { store: ModelStore; blob: string } {
  const store = createModelStore({ folder, catalogue: catalogueOf(entry), log: silent })
  mkdirSync(join(folder, 'blobs'), { recursive: true })
  return { store, blob: store.blobPath(entry.files[0]?.sha256 ?? '') }
}

const withCode = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === code && message.test(error.message)

test('a model comes from a folder mirror, is listed, and a second pull has nothing to do', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  writeFileSync(join(folder.path, 'weights.bin'), bytes)
  const entry = entryOf([fileOf(bytes)])
  const { store } = place(entry, join(folder.path, 'models'))
  const seen: number[] = []
  const onProgress = ({ received, total }: { received: number; total: number }) => seen.push(received / total)
  const model = await pullModel({ entry, store, sources: settings({ mirrors: [folder.path] }), log: silent, onProgress })
  assertSameBytes(readFileSync(model.files[0]?.path ?? ''), bytes)
  assert.equal(store.list()[0]?.entry.id, 'some-model')
  assert.equal(store.find('SOME-model-alias')?.entry.id, 'some-model')
  assert.equal(seen.at(-1), 1)
  assert.deepEqual(readdirSync(join(folder.path, 'models', 'blobs')), [`sha256-${sha256Of(bytes)}`], 'nothing but the blob is left')
  assert.deepEqual(await pullModel({ entry, store, sources: settings(), log: silent }), model)
  await verifyModel(model)
})

test('a source with wrong bytes is left for the next one, and nothing of it stays', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  const wrong = Buffer.from(bytes)
  wrong[1000] = (wrong[1000] ?? 0) ^ 1
  await using bad = await startFileServer(() => ({ bytes: wrong }))
  await using good = await startFileServer(() => ({ bytes }))
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  await pullModel({ entry, store, sources: settings({ mirrors: [bad.url, good.url] }), log: silent })
  assertSameBytes(readFileSync(blob), bytes)
  assert.deepEqual([bad.requests.length, good.requests.length], [1, 1])
})

test('when no source has the file, the error lists what each one answered', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(1000)
  const wrong = someBytes(1000)
  await using other = await startFileServer(() => ({ bytes: wrong }))
  await using broken = await startFileServer(() => ({ status: 503 }))
  const entry = entryOf([fileOf(bytes, ['hf:org/repo/weights.bin@main', 'ftp:elsewhere'])])
  const { store, blob } = place(entry, folder.path)
  const mirrors = [join(folder.path, 'nothing'), other.url, broken.url, 'gopher://user:secret@host/x', 's3://user:secret@bucket/x']
  await assert.rejects(pullModel({ entry, store, sources: settings({ mirrors }), log: silent }), (error) => {
    assert.ok(error instanceof AppError && error.code === 'weights_unavailable')
    assert.match(error.message, /folder .*nothing: has no such file/)
    assert.match(error.message, new RegExp(`${sha256Of(wrong)}, the catalogue says ${sha256Of(bytes)}`))
    assert.match(error.message, /answered 503/)
    assert.match(error.message, /gopher:\/\/host\/x: is neither/)
    assert.match(error.message, /s3:\/\/bucket\/x: is not of the form s3:\/\/bucket\/prefix/)
    assert.match(error.message, /Hugging Face org\/repo: .*ECONNREFUSED/)
    assert.match(error.message, /ftp:elsewhere: is no known kind of source/)
    assert.match(error.message, /OUTPOST_MIRRORS/)
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
  assert.equal(existsSync(blob), false)
  assert.deepEqual(readdirSync(join(folder.path, 'blobs')), [])
})

test('a connection that breaks in the middle is taken up where it broke', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  let cuts = 3
  await using server = await startFileServer(() => ({ bytes, etag: '"v1"', ...(cuts-- > 0 ? { cutAfter: 60_000 } : {}) }))
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  await pullModel({ entry, store, sources: settings({ mirrors: [server.url] }), log: silent })
  assertSameBytes(readFileSync(blob), bytes)
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [undefined, 'bytes=60000-', 'bytes=120000-', 'bytes=180000-']
  )
  assert.equal(server.requests[1]?.ifRange, '"v1"')
})

test('a file that changed at its source since the break starts again instead of being mixed', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  const older = someBytes()
  let first = true
  await using server = await startFileServer(() => {
    const answer = first ? { bytes: older, etag: '"old"', cutAfter: 50_000 } : { bytes, etag: '"new"' }
    first = false
    return answer
  })
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  await pullModel({ entry, store, sources: settings({ mirrors: [server.url] }), log: silent })
  assertSameBytes(readFileSync(blob), bytes)
  assert.deepEqual(
    server.requests.map(({ range, ifRange }) => [range, ifRange]),
    [
      [undefined, undefined],
      ['bytes=50000-', '"old"']
    ]
  )
})

test('a beginning that belongs to another file costs one more try, not the pull', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  await using server = await startFileServer(() => ({ bytes }))
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  writeFileSync(`${blob}.partial`, someBytes(70_000))
  await pullModel({ entry, store, sources: settings({ mirrors: [server.url] }), log: silent })
  assertSameBytes(readFileSync(blob), bytes)
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    ['bytes=70000-', undefined]
  )
})

test('a partial file that is longer than the whole is thrown away, and one that is whole needs no source', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  await using server = await startFileServer(() => ({ bytes }))
  const entry = entryOf([fileOf(bytes)])
  const first = place(entry, join(folder.path, 'a'))
  writeFileSync(`${first.blob}.partial`, someBytes(bytes.length + 1))
  await pullModel({ entry, store: first.store, sources: settings({ mirrors: [server.url] }), log: silent })
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [undefined]
  )
  const second = place(entry, join(folder.path, 'b'))
  writeFileSync(`${second.blob}.partial`, bytes)
  await pullModel({ entry, store: second.store, sources: settings({ mirrors: [server.url] }), log: silent })
  assertSameBytes(readFileSync(second.blob), bytes)
  assert.equal(server.requests.length, 1)
})

test('a file that does not fit the disk is refused before anything is fetched', async () => {
  using folder = temporaryFolder()
  await using server = await startFileServer(() => ({ bytes: someBytes(10) }))
  const entry = entryOf([{ name: 'huge.bin', size: 2 ** 52, sha256: '0'.repeat(64), sources: [] }])
  const { store } = place(entry, folder.path)
  await assert.rejects(
    pullModel({ entry, store, sources: settings({ mirrors: [server.url] }), log: silent }),
    withCode('disk_full', new RegExp(`huge.bin needs 4,503,599,6.* MB in ${folder.path}.* has [\\d,.]+ MB free`))
  )
  assert.equal(server.requests.length, 0)
})

test('a disk that fills up while writing ends the pull at once, without asking the next source', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  await using first = await startFileServer(() => ({ bytes }))
  await using second = await startFileServer(() => ({ bytes }))
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  // The kernel's own full disk: every write to it fails with ENOSPC.
  symlinkSync('/dev/full', `${blob}.partial`)
  const sources = settings({ mirrors: [first.url, second.url] })
  await assert.rejects(pullModel({ entry, store, sources, log: silent }), withCode('disk_full', /weights\.bin needs .* whose disk is full/))
  assert.equal(second.requests.length, 0)
})

test('a stopped pull keeps what came, and the next one goes on from there', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  const never = Promise.withResolvers<void>()
  let held = true
  await using server = await startFileServer(() => ({ bytes, ...(held ? { holdAfter: { bytes: 100_000, until: never.promise } } : {}) }))
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  const stop = new AbortController()
  const onProgress = ({ received }: { received: number }) => {
    if (received === 100_000) stop.abort()
  }
  await assert.rejects(
    pullModel({ entry, store, sources: settings({ mirrors: [server.url] }), log: silent, signal: stop.signal, onProgress }),
    withCode('cancelled', /some-model was stopped/)
  )
  held = false
  await pullModel({ entry, store, sources: settings({ mirrors: [server.url] }), log: silent })
  assert.equal(server.requests.at(-1)?.range, 'bytes=100000-')
  assertSameBytes(readFileSync(blob), bytes)
})

test('two who ask for the same model at once share one download, and one leaving does not stop the other', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  const release = Promise.withResolvers<void>()
  await using server = await startFileServer(() => ({ bytes, holdAfter: { bytes: 1000, until: release.promise } }))
  const entry = entryOf([fileOf(bytes)])
  const { store } = place(entry, folder.path)
  const leaving = new AbortController()
  const begun = Promise.withResolvers<void>()
  const sources = settings({ mirrors: [server.url] })
  const leaver = pullModel({ entry, store, sources, log: silent, signal: leaving.signal, onProgress: () => begun.resolve() })
  const stayer = pullModel({ entry, store, sources, log: silent })
  await begun.promise
  leaving.abort()
  await assert.rejects(leaver, withCode('cancelled', /stopped/))
  release.resolve()
  assert.equal((await stayer).entry.id, 'some-model')
  assert.equal(server.requests.length, 1)
})

test('a whole file whose GGUF header lies is not taken for a model', async () => {
  using folder = temporaryFolder()
  const bytes = buildGguf(smallGguf({ tensorCount: 2n ** 60n }))
  writeFileSync(join(folder.path, 'lying.gguf'), bytes)
  const entry = entryOf([fileOf(bytes, [], 'lying.gguf')])
  const { store } = place(entry, join(folder.path, 'models'))
  const pull = pullModel({ entry, store, sources: settings({ mirrors: [folder.path] }), log: silent })
  await assert.rejects(pull, withCode('weights_corrupt', /1152921504606846976 tensors/))
  assert.equal(store.find('some-model'), undefined)
})

test('a changed byte of a pulled model is found by verify', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  writeFileSync(join(folder.path, 'weights.bin'), bytes)
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, join(folder.path, 'models'))
  const model = await pullModel({ entry, store, sources: settings({ mirrors: [folder.path] }), log: silent })
  const changed = Buffer.from(bytes)
  changed[5] = (changed[5] ?? 0) ^ 255
  writeFileSync(blob, changed)
  await assert.rejects(verifyModel(model), withCode('weights_corrupt', /has changed on the disk/))
  truncateSync(blob, 10)
  assert.equal(store.find('some-model'), undefined, 'a file of another size is noticed without reading it')
})

test('a pull killed with -9 is taken up by the next process with a Range', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  const never = Promise.withResolvers<void>()
  let held = true
  await using server = await startFileServer(() => ({
    bytes,
    etag: '"v1"',
    ...(held ? { holdAfter: { bytes: 150_000, until: never.promise } } : {})
  }))
  const entry = entryOf([fileOf(bytes)])
  const { store, blob } = place(entry, folder.path)
  const sources = settings({ mirrors: [server.url] })
  const puller = startPuller(folder.path, entry, sources)
  await puller.until(150_000)
  puller.child.kill('SIGKILL')
  await once(puller.child, 'exit')
  assert.equal(statSync(`${blob}.partial`).size, 150_000)
  assert.ok(existsSync(`${blob}.lock`), 'the dead process left its lock')
  held = false
  await pullModel({ entry, store, sources, log: silent })
  assert.deepEqual(server.requests.at(-1), { path: '/weights.bin', range: 'bytes=150000-', ifRange: '"v1"', authorization: undefined })
  assertSameBytes(readFileSync(blob), bytes)
  assert.deepEqual(readdirSync(join(folder.path, 'blobs')), [`sha256-${sha256Of(bytes)}`])
})

test('two processes that pull the same model make one download', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes()
  const release = Promise.withResolvers<void>()
  await using server = await startFileServer(() => ({ bytes, holdAfter: { bytes: 150_000, until: release.promise } }))
  const entry = entryOf([fileOf(bytes)])
  place(entry, folder.path)
  const sources = settings({ mirrors: [server.url] })
  const first = startPuller(folder.path, entry, sources)
  await first.until(150_000)
  const second = startPuller(folder.path, entry, sources)
  // The second sees how far the first is while it waits for it.
  await second.until(150_000)
  release.resolve()
  assert.equal(await first.ended, await second.ended)
  assert.equal(server.requests.length, 1)
})
