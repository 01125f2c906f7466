import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { treeRoot } from '../../../server/models/bundle/hash-tree.ts'
import type { ImportOptions } from '../../../server/models/bundle/import-bundle.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { buildGguf, smallGguf } from '../../helpers/gguf.ts'
import { assertSameBytes, entryOf, sha256Of, someBytes } from '../fixtures.ts'
import { chunkSize, exportFrom, forgeHead, homeWith, importTo, newHome, newSigner, refused, takeApart } from './fixtures.ts'

test('a signed bundle brings its models, licences and nothing else into an empty home', async (t) => {
  const folder = temporaryFolder(t)
  const contents = { one: someBytes(), two: someBytes(5 * chunkSize), three: someBytes(1) }
  const signer = newSigner(folder)
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), contents), path, { signer })
  const home = newHome(join(folder, 'b'))
  await home.signers.add({ fingerprint: signer.fingerprint, name: 'me', by: 'a test' })
  const imported = await importTo(home, path)
  assert.deepEqual(imported.models.map(({ entry }) => entry.id).sort(), ['one', 'three', 'two'])
  assert.equal(imported.copied, 300_000 + 5 * chunkSize + 1 + 'The text of MIT.'.length)
  for (const [id, bytes] of Object.entries(contents)) assertSameBytes(readFileSync(home.store.find(id)?.files[0]?.path ?? ''), bytes)
  assert.equal(readFileSync(join(home.store.folder, 'licences', 'MIT.txt'), 'utf8'), 'The text of MIT.')
  assert.deepEqual(readdirSync(home.folder).sort(), ['models', 'trusted-signers.json'])
  assert.deepEqual(
    readdirSync(join(home.store.folder, 'blobs')).sort(),
    Object.values(contents)
      .map((bytes) => `sha256-${sha256Of(bytes)}`)
      .sort()
  )
})

test('what is here already is not copied again', async (t) => {
  const folder = temporaryFolder(t)
  const shared = someBytes()
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: shared, two: someBytes(1000) }), path)
  const home = homeWith(join(folder, 'b'), { other: shared })
  const first = await importTo(home, path, { allowUnsigned: true })
  assert.deepEqual([first.present, first.copied], [300_000, 1000 + 'The text of MIT.'.length])
  const second = await importTo(home, path, { allowUnsigned: true })
  assert.deepEqual([second.present, second.copied, second.models.length], [301_000, 0, 2])
})

test('an unsigned bundle and one of an unknown signer are refused before anything is written, unless told', async (t) => {
  const folder = temporaryFolder(t)
  const source = homeWith(join(folder, 'a'), { one: someBytes() })
  const [signer, other] = [newSigner(folder), newSigner(folder)]
  await exportFrom(source, join(folder, 'plain.outpost'))
  await exportFrom(source, join(folder, 'signed.outpost'), { signer })
  const home = newHome(join(folder, 'b'))
  await assert.rejects(importTo(home, join(folder, 'plain.outpost')), refused('bundle_untrusted', /not signed.*--allow-unsigned/))
  await assert.rejects(
    importTo(home, join(folder, 'signed.outpost'), { allowUnsigned: true }),
    refused('bundle_untrusted', new RegExp(`--trust ${signer.fingerprint}`))
  )
  await assert.rejects(
    importTo(home, join(folder, 'signed.outpost'), { trust: [other.fingerprint] }),
    refused('bundle_untrusted', new RegExp(`You named ${other.fingerprint}`))
  )
  assert.ok(!existsSync(home.folder), 'nothing was written')

  const imported = await importTo(home, join(folder, 'signed.outpost'), { trust: [signer.fingerprint] })
  assert.deepEqual([imported.signer, imported.isNewSigner], [signer.fingerprint, true])
  assert.deepEqual(
    home.signers.list().map(({ fingerprint, addedBy }) => [fingerprint, addedBy]),
    [[signer.fingerprint, 'a test']]
  )
  assert.equal((await importTo(home, join(folder, 'signed.outpost'))).isNewSigner, false)
})

test('a file of Outpost itself is checked, and stays in the bundle', async (t) => {
  const folder = temporaryFolder(t)
  const installer = join(folder, 'outpost.AppImage')
  writeFileSync(installer, someBytes(50_000))
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: someBytes() }), path, { app: [{ name: 'outpost.AppImage', path: installer }] })
  assertSameBytes(takeApart(path).get('app/outpost.AppImage') ?? Buffer.of(), readFileSync(installer))
  const home = newHome(join(folder, 'b'))
  await importTo(home, path, { allowUnsigned: true })
  assert.deepEqual(readdirSync(home.store.folder).sort(), ['blobs', 'licences', 'manifests'])

  const bytes = readFileSync(path)
  const at = bytes.indexOf(readFileSync(installer).subarray(0, 64))
  bytes[at + 40_000] = (bytes[at + 40_000] ?? 0) ^ 1
  writeFileSync(path, bytes)
  await assert.rejects(importTo(newHome(join(folder, 'c')), path, { allowUnsigned: true }), refused('bundle_invalid', /outpost\.AppImage is damaged/))
})

test('a bundle cannot change what a model here consists of', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: someBytes() }), path)
  const home = homeWith(join(folder, 'b'), { one: someBytes(1000) })
  await assert.rejects(importTo(home, path, { allowUnsigned: true }), refused('conflict', /one is here with other files.*outpost rm one/))
  assert.equal(home.store.find('one')?.files[0]?.size, 1000)
})

test('what may not come here is refused before anything is written, and its signer is not trusted by the way', async (t) => {
  const folder = temporaryFolder(t)
  const signer = newSigner(folder)
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: someBytes() }), path, { signer })
  const home = newHome(join(folder, 'b'))
  const asked: unknown[] = []
  const allow: ImportOptions['allow'] = (entry, by) => {
    asked.push(entry.id, by)
    throw new AppError('forbidden', 'not here')
  }
  await assert.rejects(importTo(home, path, { trust: [signer.fingerprint], allow }), refused('forbidden', /not here/))
  assert.deepEqual(asked, ['one', signer.fingerprint])
  assert.ok(!existsSync(home.folder))
})

test('a model is there as soon as it has all its files, while others still come', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'models.outpost')
  const source = homeWith(join(folder, 'a'), { one: someBytes(), two: someBytes() })
  await exportFrom(source, path, { models: ['one', 'two'].flatMap((id) => source.store.find(id) ?? []) })
  const home = newHome(join(folder, 'b'))
  const seen = new Set<string>()
  await importTo(home, path, {
    allowUnsigned: true,
    onProgress: ({ file }) => {
      if (file === 'two.bin') for (const { entry } of home.store.list()) seen.add(entry.id)
    }
  })
  assert.deepEqual([...seen], ['one'])
})

test('a whole file whose GGUF header lies is not taken for a model, and leaves nothing', async (t) => {
  const folder = temporaryFolder(t)
  const source = homeWith(join(folder, 'a'), { one: buildGguf(smallGguf({ tensorCount: 2n ** 60n })) })
  const model = source.store.list()[0]
  assert.ok(model !== undefined)
  const named = { ...model, files: model.files.map((file) => ({ ...file, name: 'one.gguf' })) }
  const path = join(folder, 'models.outpost')
  await exportFrom(source, path, { models: [named] })
  const home = newHome(join(folder, 'b'))
  await assert.rejects(
    importTo(home, path, { allowUnsigned: true }),
    refused('weights_corrupt', /^one\.gguf in the bundle .*1152921504606846976 tensors/)
  )
  assert.deepEqual(readdirSync(join(home.store.folder, 'blobs')), [])
  assert.deepEqual(home.store.list(), [])
})

test('a bundle that does not fit the disk is refused before anything is copied', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: someBytes() }), path)
  const size = 2 ** 42
  const checkpoints = Array.from({ length: size / 2 ** 26 }, (_, i) => sha256Of(Buffer.of(i & 255)))
  const sha256 = checkpoints.at(-1) ?? ''
  // A hole stands for its four terabytes.
  const head = forgeHead(takeApart(path).set('checkpoints.txt', Buffer.from(checkpoints.map((line) => `${line}\n`).join(''))), (manifest) => ({
    ...manifest,
    chunkSize: 2 ** 26,
    models: [entryOf([{ name: 'huge.bin', size, sha256, sources: [] }], 'huge')],
    licences: [],
    files: [{ kind: 'weights', name: 'huge.bin', size, sha256, root: treeRoot(checkpoints) }]
  }))
  writeFileSync(path, head.bytes)
  truncateSync(path, head.length)
  const home = newHome(join(folder, 'b'))
  await assert.rejects(
    importTo(home, path, { allowUnsigned: true }),
    refused('disk_full', /The bundle needs 4,398,\d\d\d\.\d MB in .* has [\d,.]+ MB free/)
  )
  assert.ok(!existsSync(join(home.store.folder, 'blobs')))
})

test('a disk that fills up while an import writes ends it with what is needed', async (t) => {
  const folder = temporaryFolder(t)
  const bytes = someBytes()
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: bytes }), path)
  const home = newHome(join(folder, 'b'))
  const blob = home.store.blobPath(sha256Of(bytes))
  mkdirSync(join(blob, '..'), { recursive: true })
  // The kernel's own full disk: every write to it fails with ENOSPC.
  symlinkSync('/dev/full', `${blob}.import`)
  await assert.rejects(importTo(home, path, { allowUnsigned: true }), refused('disk_full', /The bundle needs .* whose disk is full/))
  assert.deepEqual([existsSync(blob), home.store.list()], [false, []])
})

test('a stopped import keeps what was checked, and the next one goes on from there', async (t) => {
  const folder = temporaryFolder(t)
  const bytes = someBytes()
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: bytes }), path)
  const home = newHome(join(folder, 'b'))
  const stop = new AbortController()
  const stopping = importTo(home, path, {
    allowUnsigned: true,
    signal: stop.signal,
    onProgress: ({ file, received }) => {
      if (file === 'one.bin' && received >= 100_000) stop.abort()
    }
  })
  await assert.rejects(stopping, refused('cancelled', /next import goes on/))
  const blob = home.store.blobPath(sha256Of(bytes))
  const kept = statSync(`${blob}.import`).size
  assert.ok(kept >= 100_000 && kept % chunkSize === 0, `${kept} bytes are kept`)
  assert.equal((await importTo(home, path, { allowUnsigned: true })).copied, 300_000 - kept)
  assertSameBytes(readFileSync(blob), bytes)
})

test('of what an earlier import left only the right beginning is gone on from', async (t) => {
  const folder = temporaryFolder(t)
  const bytes = someBytes()
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: bytes }), path)
  const left = Buffer.concat([bytes, someBytes(99)])
  left[5 * chunkSize + 7] = (left[5 * chunkSize + 7] ?? 0) ^ 1
  for (const [beginning, kept] of [
    [left, 5],
    [left.subarray(0, 3 * chunkSize + 100), 3],
    [someBytes(70_000), 0],
    [Buffer.concat([bytes, someBytes(99)]), 300_000 / chunkSize]
  ] as const) {
    const home = newHome(join(temporaryFolder(t), 'b'))
    const blob = home.store.blobPath(sha256Of(bytes))
    mkdirSync(join(blob, '..'), { recursive: true })
    writeFileSync(`${blob}.import`, beginning)
    const { copied } = await importTo(home, path, { allowUnsigned: true })
    assert.equal(copied - 'The text of MIT.'.length, 300_000 - kept * chunkSize)
    assertSameBytes(readFileSync(blob), bytes)
    assert.deepEqual(readdirSync(join(blob, '..')), [`sha256-${sha256Of(bytes)}`])
  }
})

test('two imports of the same bundle at once are one', async (t) => {
  const folder = temporaryFolder(t)
  const bytes = someBytes()
  const path = join(folder, 'models.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: bytes }), path, { licenceText: () => undefined })
  const home = newHome(join(folder, 'b'))
  const both = await Promise.all([1, 2].map(() => importTo(home, path, { allowUnsigned: true })))
  assert.deepEqual(both.map(({ copied }) => copied >= bytes.length).sort(), [false, true])
  assert.deepEqual(
    both.map(({ models }) => models.length),
    [1, 1]
  )
  assertSameBytes(readFileSync(home.store.blobPath(sha256Of(bytes))), bytes)
})
