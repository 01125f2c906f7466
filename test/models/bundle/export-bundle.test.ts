import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BundleManifest } from '#contracts/bundle.ts'
import { toPartSize } from '../../../server/models/bundle/export-bundle.ts'
import { treeRoot } from '../../../server/models/bundle/hash-tree.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { tinyGguf } from '../../helpers/gguf.ts'
import { assertSameBytes, sha256Of, someBytes } from '../fixtures.ts'
import { chunkSize, exportFrom, homeWith, importTo, newHome, newSigner, refused, takeApart } from './fixtures.ts'

const manifestOf = (path: string) => JSON.parse(String(takeApart(path).get('manifest.json'))) as BundleManifest // just exported

test('a bundle is a tar of manifest, signature, checkpoints, licences and weights, and each can be checked by hand', async (t) => {
  const folder = temporaryFolder(t)
  const bytes = someBytes(3 * chunkSize + 5)
  const signer = newSigner(folder)
  const path = join(folder, 'm.outpost')
  await exportFrom(homeWith(join(folder, 'a'), { one: bytes }), path, { signer })
  const files = takeApart(path)
  const weights = `weights/sha256-${sha256Of(bytes)}`
  assert.deepEqual([...files.keys()], ['manifest.json', 'manifest.sig', 'signer.pem', 'checkpoints.txt', 'licences/MIT.txt', weights])
  assertSameBytes(files.get(weights) ?? Buffer.of(), bytes)
  const lines = String(files.get('checkpoints.txt')).split('\n')
  const prefixes = [1, 2, 3, 4].map((count) => sha256Of(bytes.subarray(0, count * chunkSize)))
  assert.deepEqual(lines, [sha256Of(Buffer.from('The text of MIT.')), ...prefixes, ''])
  const { files: listed, signer: named, models } = manifestOf(path)
  assert.deepEqual(listed.at(-1), { kind: 'weights', name: 'one.bin', size: bytes.length, sha256: prefixes[3], root: treeRoot(prefixes) })
  assert.deepEqual([named, models[0]?.id], [signer.fingerprint, 'one'])
  assert.equal(statSync(path).size % 512, 0)
})

test('models that share a file, or a licence by another spelling, carry it once', async (t) => {
  const folder = temporaryFolder(t)
  const home = homeWith(join(folder, 'a'), { one: someBytes(1000) })
  const [model] = home.store.list()
  assert.ok(model !== undefined)
  home.store.add({ ...model.entry, id: 'again', aliases: [], licence: 'mit' })
  const path = join(folder, 'm.outpost')
  const { manifest } = await exportFrom(home, path)
  assert.deepEqual(
    manifest.files.map(({ kind }) => kind),
    ['licence', 'weights']
  )
  assert.deepEqual(
    manifest.licences.map(({ id, file }) => [id, file]),
    [
      ['mit', 'mit.txt'],
      ['MIT', 'mit.txt']
    ]
  )
  assert.equal((await importTo(newHome(join(folder, 'b')), path, { allowUnsigned: true })).models.length, 2)
})

test('a file that is used in place is carried with a hash, a plain name, and without its path', async (t) => {
  const folder = temporaryFolder(t)
  const home = newHome(join(folder, 'a'))
  const gguf = tinyGguf(join(folder, 'Tiny One.gguf'))
  await home.store.adopt(gguf)
  const path = join(folder, 'm.outpost')
  await exportFrom(home, path)
  const { models, files } = manifestOf(path)
  assert.deepEqual(models[0]?.files, [{ name: 'Tiny-One.gguf', size: statSync(gguf).size, sha256: sha256Of(readFileSync(gguf)), sources: [] }])
  assert.equal(files.at(-1)?.name, 'Tiny-One.gguf')
  assert.ok(!readFileSync(path).includes(folder), 'where it lay is nobody’s business')
  const other = newHome(join(folder, 'b'))
  await importTo(other, path, { allowUnsigned: true })
  assertSameBytes(readFileSync(other.store.find('tiny-one')?.files[0]?.path ?? ''), readFileSync(gguf))
})

test('weights that rotted are not carried on, and nothing is left of the bundle', async (t) => {
  const folder = temporaryFolder(t)
  const bytes = someBytes()
  const home = homeWith(join(folder, 'a'), { one: bytes })
  const rotten = Buffer.from(bytes)
  rotten[7] = (rotten[7] ?? 0) ^ 1
  writeFileSync(home.store.blobPath(sha256Of(bytes)), rotten)
  await assert.rejects(
    exportFrom(home, join(folder, 'out', 'm.outpost'), { partSize: 50_000 }),
    refused('weights_corrupt', /one\.bin has changed on the disk/)
  )
  assert.deepEqual(readdirSync(join(folder, 'out')), [])
})

test('a medium that fills up, and a stop, leave nothing behind', async (t) => {
  const folder = temporaryFolder(t)
  const home = homeWith(join(folder, 'a'), { one: someBytes() })
  const out = temporaryFolder(t)
  // The kernel's own full disk: every write to it fails with ENOSPC.
  symlinkSync('/dev/full', join(out, 'm.outpost.partial'))
  await assert.rejects(exportFrom(home, join(out, 'm.outpost')), refused('disk_full', /The disk of .* is full/))
  const stop = new AbortController()
  const stopping = exportFrom(home, join(out, 'm.outpost'), { signal: stop.signal, onProgress: () => stop.abort() })
  await assert.rejects(stopping, refused('cancelled', /was stopped/))
  assert.deepEqual(readdirSync(out), [])
})

test('what is there is never written over, whole or in parts', async (t) => {
  const folder = temporaryFolder(t)
  const home = homeWith(join(folder, 'a'), { one: someBytes() })
  const path = join(folder, 'm.outpost')
  await exportFrom(home, path, { partSize: 100_000 })
  await assert.rejects(exportFrom(home, path), refused('conflict', /m\.outpost\.001 is there already/))
  await exportFrom(home, join(folder, 'n.outpost'))
  await assert.rejects(exportFrom(home, join(folder, 'n.outpost'), { partSize: 100_000 }), refused('conflict', /n\.outpost is there already/))
})

test('parts fit the size that was asked for, from one that holds little more than the head on', async (t) => {
  const folder = temporaryFolder(t)
  const home = homeWith(join(folder, 'a'), { one: someBytes(), two: someBytes(4096) })
  for (const partSize of [16_384, 20_480, 100_000, 305_000, 400_000]) {
    const path = join(folder, `${partSize}`, 'm.outpost')
    const { paths, bytes } = await exportFrom(home, path, { partSize, signer: newSigner(folder) })
    assert.equal(
      paths.reduce((sum, part) => sum + statSync(part).size, 0),
      bytes
    )
    assert.ok(paths.every((part) => statSync(part).size <= partSize))
    assert.equal(paths.length === 1, partSize >= bytes)
    const target = newHome(join(folder, `home-${partSize}`))
    const { signer } = manifestFrom(paths)
    assert.equal((await importTo(target, join(folder, `${partSize}`), { trust: [signer ?? ''] })).models.length, 2)
  }
  await assert.rejects(exportFrom(home, join(folder, 'x.outpost'), { partSize: 4096 }), refused('invalid_request', /--split must be at least \d+/))
})

test('FAT32 gets parts it can hold, asked or not', () => {
  const [ext4, vfat] = [0xef53, 0x4d44]
  assert.equal(toPartSize(undefined, ext4), Number.MAX_SAFE_INTEGER)
  assert.equal(toPartSize(undefined, vfat), 2 ** 32 - 4096)
  assert.equal(toPartSize(2 ** 32, ext4), 2 ** 32 - 4096)
  assert.equal(toPartSize(2 ** 33, vfat), 2 ** 32 - 4096)
  assert.equal(toPartSize(2 ** 33, ext4), 2 ** 33)
  assert.equal(toPartSize(700_000_000, vfat), 699_998_208)
})

function manifestFrom(paths: readonly string[]): BundleManifest {
  const head = Buffer.concat(paths.map((path) => readFileSync(path)))
  const size = Number.parseInt(head.toString('latin1', 124, 135), 8)
  return JSON.parse(head.toString('utf8', 512, 512 + size)) as BundleManifest // just exported
}
