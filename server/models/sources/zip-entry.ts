import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'

/**
 * The bytes of one file in a zip archive (stored or deflated; no encryption, no zip64), by its exact name. Nothing else is unpacked, no
 * path of the archive is ever used as one, and not more than `size` bytes come out.
 * Source: APPNOTE.TXT of PKWARE, sections 4.3 and 4.4.
 */
export async function openZipEntry(archive: string, name: string, size: number): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(archive, 'r')
  try {
    const entry = await findEntry(handle, name)
    if (entry.size !== size) throw new Error(`${name} in the archive has ${entry.size} bytes, the catalogue says ${size}`)
    const local = await readExactly(handle, entry.headerOffset, 30)
    if (local.readUInt32LE(0) !== 0x04034b50) throw new Error('the archive is broken: its index points beside the file')
    const start = entry.headerOffset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
    return entryBytes(handle, start, entry)
  } catch (error) {
    await handle.close()
    throw error
  }
}

type Entry = { method: number; compressed: number; size: number; headerOffset: number }

async function* entryBytes(handle: FileHandle, start: number, entry: Entry): AsyncGenerator<Uint8Array> {
  await using _closed = handle
  const raw = () => handle.createReadStream({ start, end: start + entry.compressed - 1, autoClose: false, highWaterMark: 1024 * 1024 })
  if (entry.compressed === 0) return
  if (entry.method === 0) {
    yield* raw()
    return
  }
  const inflated = Readable.from(raw()).compose(createInflateRaw({ chunkSize: 256 * 1024 }))
  let sent = 0
  for await (const chunk of inflated as AsyncIterable<Buffer>) {
    sent += chunk.length
    if (sent > entry.size) throw new Error('the archive is broken: a file is longer than its index says')
    yield chunk
  }
}

async function findEntry(handle: FileHandle, name: string): Promise<Entry> {
  const { size: archiveSize } = await handle.stat()
  const tailSize = Math.min(archiveSize, 22 + 65_535)
  const tail = await readExactly(handle, archiveSize - tailSize, tailSize)
  const endAt = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (endAt < 0 || endAt + 22 > tail.length) throw new Error('is no zip archive, or a truncated one')
  const count = tail.readUInt16LE(endAt + 10)
  const indexSize = tail.readUInt32LE(endAt + 12)
  const indexOffset = tail.readUInt32LE(endAt + 16)
  if (count === 0xffff || indexOffset === 0xffffffff) throw new Error('is a zip64 archive, which is not supported')
  if (indexOffset + indexSize > archiveSize) throw new Error('is a broken zip archive: its index lies outside of it')
  const index = await readExactly(handle, indexOffset, indexSize)
  const wanted = Buffer.from(name)
  for (let at = 0, n = 0; n < count && at + 46 <= index.length && index.readUInt32LE(at) === 0x02014b50; n++) {
    const nameLength = index.readUInt16LE(at + 28)
    if (index.subarray(at + 46, at + 46 + nameLength).equals(wanted)) return toEntry(index, at, name)
    at += 46 + nameLength + index.readUInt16LE(at + 30) + index.readUInt16LE(at + 32)
  }
  throw new Error(`the archive has no ${name}`)
}

function toEntry(index: Buffer, at: number, name: string): Entry {
  const method = index.readUInt16LE(at + 10)
  if ((index.readUInt16LE(at + 8) & 1) !== 0) throw new Error(`${name} in the archive is encrypted`)
  if (method !== 0 && method !== 8) throw new Error(`${name} in the archive is packed with method ${method}; stored and deflated are supported`)
  const entry = { method, compressed: index.readUInt32LE(at + 20), size: index.readUInt32LE(at + 24), headerOffset: index.readUInt32LE(at + 42) }
  if (entry.compressed === 0xffffffff || entry.size === 0xffffffff || entry.headerOffset === 0xffffffff) {
    throw new Error('is a zip64 archive, which is not supported')
  }
  return entry
}

async function readExactly(handle: FileHandle, position: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size)
  const { bytesRead } = await handle.read(buffer, 0, size, position)
  if (bytesRead < size) throw new Error('is a truncated zip archive')
  return buffer
}
