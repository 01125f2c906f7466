import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'

/**
 * What has come of a file, kept beside its `.partial`: for each block of 1 MiB how many of its bytes are here, and their CRC-32. Unlike a SHA-256, a
 * CRC goes on after a restart from the number alone, so a killed pull loses only what was not yet written. It says which block went bad; whether the
 * whole is right is for the file's sha256 to say. The numbers lie in shared memory, for the thread that reads the file behind the download.
 */
export type PullJournal = {
  readonly size: number
  readonly blocks: number
  /** Pairs of (bytes here, CRC-32), one for each block. */
  readonly records: Uint32Array<SharedArrayBuffer>
  /** Bytes of a block, whole. */
  lengthOf(block: number): number
  received(block: number): number
  crc(block: number): number
  isWhole(block: number): boolean
  /** Bytes that are here, in all. */
  total(): number
  /** Bytes from the start of the file that are here without a gap. */
  frontier(): number
  set(block: number, received: number, crc: number): void
  clear(): void
  close(): void
  /** Closes it and takes it off the disk. */
  remove(): void
}

export const blockBytes = 1024 * 1024
const magic = 'outpost pull 1\n\0'
const headerBytes = 32
const recordBytes = 8

/** Opens the journal of a file of `size` bytes. What it says beyond the `held` bytes that the disk really has is forgotten, as is the journal of another size. */
export function openPullJournal(path: string, size: number, held: number): PullJournal {
  const blocks = Math.ceil(size / blockBytes)
  const records = new Uint32Array(new SharedArrayBuffer(blocks * recordBytes))
  const bytes = new Uint8Array(records.buffer)
  const lengthOf = (block: number) => Math.min(blockBytes, size - block * blockBytes)
  const received = (block: number) => records[block * 2] ?? 0
  const isWhole = (block: number) => received(block) === lengthOf(block)

  const earlier = readJournal(path)
  const isOurs = earlier?.size === size
  if (isOurs) bytes.set(earlier.records.subarray(0, bytes.length))
  let total = 0
  for (let block = 0; block < blocks; block++) {
    if (received(block) > lengthOf(block) || (received(block) > 0 && block * blockBytes + received(block) > held))
      records.fill(0, block * 2, block * 2 + 2)
    total += received(block)
  }
  const handle = openSync(path, isOurs ? 'r+' : 'w', 0o600)
  let isOpen = true
  writeSync(handle, Buffer.concat([headerOf(size), bytes]), 0, headerBytes + bytes.length, 0)

  // Blocks only ever become whole in front of it, unless they are set back.
  let firstGap = 0
  function frontier(): number {
    while (firstGap < blocks && isWhole(firstGap)) firstGap++
    return firstGap === blocks ? size : firstGap * blockBytes + received(firstGap)
  }
  function set(block: number, length: number, crc: number): void {
    total += length - received(block)
    if (length < lengthOf(block) && block < firstGap) firstGap = block
    records[block * 2] = length
    records[block * 2 + 1] = crc
    writeSync(handle, bytes, block * recordBytes, recordBytes, headerBytes + block * recordBytes)
  }
  function clear(): void {
    records.fill(0)
    total = 0
    firstGap = 0
    writeSync(handle, bytes, 0, bytes.length, headerBytes)
  }
  function close(): void {
    if (isOpen) closeSync(handle)
    isOpen = false
  }
  function remove(): void {
    close()
    rmSync(path, { force: true })
  }
  const crc = (block: number) => records[block * 2 + 1] ?? 0
  return { size, blocks, records, lengthOf, received, crc, isWhole, total: () => total, frontier, set, clear, close, remove }
}

/** The size a file has according to its journal, also while another process writes there. */
export function sizeInJournal(path: string): number | undefined {
  return readJournal(path)?.size
}

function headerOf(size: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.write(magic)
  header.writeDoubleLE(size, 16)
  header.writeUInt32LE(blockBytes, 24)
  return header
}

/** Undefined: there is none, or one of which nothing can be taken over. */
function readJournal(path: string): { size: number; records: Uint8Array } | undefined {
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch {
    return undefined
  }
  const size = content.length < headerBytes ? Number.NaN : content.readDoubleLE(16)
  if (!Number.isSafeInteger(size) || size < 0 || !content.subarray(0, headerBytes).equals(headerOf(size))) return undefined
  return { size, records: content.subarray(headerBytes) }
}
