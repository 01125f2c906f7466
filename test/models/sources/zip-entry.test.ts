import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openZipEntry } from '../../../server/models/sources/zip-entry.ts'
import { buildZip } from '../../helpers/zip.ts'
import { assertSameBytes, someBytes, temporaryFolder } from '../fixtures.ts'

const bytes = someBytes(200_000)

async function read(archive: Buffer, name: string, size: number): Promise<Buffer> {
  using folder = temporaryFolder()
  const path = join(folder.path, 'some.zip')
  writeFileSync(path, archive)
  const chunks: Uint8Array[] = []
  for await (const chunk of await openZipEntry(path, name, size)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('one file comes out of an archive, deflated or stored, whatever lies around it', async () => {
  const noise = { name: 'a/weights.bin.bak', bytes: someBytes(100) }
  for (const stored of [true, false]) {
    const archive = buildZip([noise, { name: 'a/weights.bin', bytes, stored }, { name: 'z', bytes: Buffer.alloc(0) }], 'a comment')
    assertSameBytes(await read(archive, 'a/weights.bin', bytes.length), bytes)
    assert.deepEqual(await read(archive, 'z', 0), Buffer.alloc(0))
  }
})

test('an archive without the file says so', async () => {
  await assert.rejects(read(buildZip([{ name: 'b', bytes }]), 'a', 1), /the archive has no a/)
})

test('a file of another size, an encrypted one and an unknown packing are refused', async () => {
  await assert.rejects(read(buildZip([{ name: 'a', bytes }]), 'a', 5), /has 200000 bytes, the catalogue says 5/)
  await assert.rejects(read(buildZip([{ name: 'a', bytes, encrypted: true }]), 'a', bytes.length), /is encrypted/)
  await assert.rejects(read(buildZip([{ name: 'a', bytes, method: 14 }]), 'a', bytes.length), /method 14/)
})

test('an archive whose index lies about a size gives no more than that', async () => {
  const zeros = Buffer.alloc(5_000_000)
  await assert.rejects(read(buildZip([{ name: 'a', bytes: zeros, claimedSize: 1000 }]), 'a', 1000), /longer than its index says/)
})

test('truncated and broken archives end in an error', async () => {
  const archive = buildZip([{ name: 'a', bytes }])
  await assert.rejects(read(archive.subarray(0, 1000), 'a', bytes.length), /no zip archive/)
  await assert.rejects(read(Buffer.alloc(0), 'a', 1), /no zip archive/)
  const misplaced = Buffer.from(archive)
  misplaced.writeUInt32LE(0xfffffff0, archive.length - 22 + 16)
  await assert.rejects(read(misplaced, 'a', bytes.length), /lies outside/)
  const overwritten = Buffer.from(archive)
  overwritten.fill(0, 0, 4)
  await assert.rejects(read(overwritten, 'a', bytes.length), /points beside the file/)
  const text = Buffer.from('some words that repeat and so are really packed '.repeat(100))
  const garbled = buildZip([{ name: 'a', bytes: text }])
  garbled.fill(0xff, 36, 60)
  await assert.rejects(read(garbled, 'a', text.length))
})
