import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writevSync
} from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { blockBytes, openPullJournal, type PullJournal } from './pull-journal.ts'

/** A file on its way: what came so far lies in `<path>.partial`, and `<path>.partial.journal` says which bytes those are. */
export type PartialFile = {
  /** Where the bytes lie. */
  readonly path: string
  readonly journal: PullJournal
  /**
   * Takes bytes that follow each other from `position` on; what is here already is passed over. Blocks under suspicion are written anew. Returns how
   * many bytes were written.
   * Synchronous: a pull has a thread of its own, and the pool of the process is for others.
   */
  accept(position: number, pieces: Uint8Array[]): number
  /** The parts that are still to come, in order, `to` exclusive. */
  missing(): { from: number; to: number }[]
  /** All that is here shall be fetched again; it stays until something takes its place. */
  suspect(): void
  /** Suspected blocks that came again, and were other bytes than before. */
  changed(): number
  /** Throws away what is here. */
  reset(): void
  /** Gives the file its name, for good: on the disk before it is seen. */
  finish(path: string): void
  /** Takes all of it off the disk. */
  remove(): void
  close(): void
  [Symbol.dispose](): void
}

/** How bytes get to the disk; a test puts a full disk in its place. */
export type WritePieces = (handle: number, pieces: Uint8Array[], position: number) => number

/** Opens or goes on with a partial file. One without a journal (of an earlier version) counts as the beginning of the file. */
export function openPartialFile(path: string, size: number, writePieces: WritePieces = writevSync): PartialFile {
  const partial = `${path}.partial`
  // Append mode creates without truncating, but cannot write at a position.
  closeSync(openSync(partial, 'a', 0o600))
  const handle = openSync(partial, 'r+')
  const journalPath = `${partial}.journal`
  const hasJournal = statSync(journalPath, { throwIfNoEntry: false }) !== undefined
  const found = statSync(partial).size
  let journal: PullJournal
  try {
    if (found > size) ftruncateSync(handle, 0)
    journal = openPullJournal(journalPath, size, found > size ? 0 : found)
    if (!hasJournal && found <= size) takeStock(handle, found, journal)
  } catch (error) {
    closeSync(handle)
    throw error
  }
  const suspects = new Map<number, number>()
  let changed = 0
  let isOpen = true

  function acceptInBlock(block: number, offset: number, pieces: Uint8Array[], length: number): number {
    const before = suspects.get(block)
    if (before !== undefined && offset === 0 && journal.isWhole(block)) journal.set(block, 0, 0)
    const here = journal.received(block)
    if (offset > here) throw new Error(`a part of the file was left out: byte ${block * blockBytes + here}`)
    if (offset + length <= here) return 0
    const fresh = dropFront(pieces, here - offset)
    let crc = journal.crc(block)
    for (const piece of fresh) crc = crc32(piece, crc)
    writeAll(handle, fresh, block * blockBytes + here, writePieces)
    journal.set(block, offset + length, crc)
    if (before !== undefined && journal.isWhole(block)) {
      suspects.delete(block)
      if (before !== crc) changed++
    }
    return offset + length - here
  }
  function accept(position: number, pieces: Uint8Array[]): number {
    let rest = pieces
    let at = position
    let written = 0
    for (let left = lengthOf(pieces); left > 0; ) {
      const block = Math.floor(at / blockBytes)
      const offset = at - block * blockBytes
      const length = Math.min(left, journal.lengthOf(block) - offset)
      const [now, later] = length === left ? [rest, []] : split(rest, length)
      written += acceptInBlock(block, offset, now, length)
      rest = later
      at += length
      left -= length
    }
    return written
  }
  function missing(): { from: number; to: number }[] {
    const extents: { from: number; to: number }[] = []
    for (let block = 0; block < journal.blocks; block++) {
      const isSuspect = suspects.has(block) && journal.isWhole(block)
      if (journal.isWhole(block) && !isSuspect) continue
      const from = block * blockBytes + (isSuspect ? 0 : journal.received(block))
      const to = block * blockBytes + journal.lengthOf(block)
      const last = extents.at(-1)
      if (last?.to === from) last.to = to
      else extents.push({ from, to })
    }
    return extents
  }
  function suspect(): void {
    changed = 0
    suspects.clear()
    for (let block = 0; block < journal.blocks; block++) suspects.set(block, journal.crc(block))
  }
  function reset(): void {
    ftruncateSync(handle, 0)
    journal.clear()
    suspects.clear()
    forgetValidator(path)
  }
  function finish(target: string): void {
    fsyncSync(handle)
    close()
    journal.remove()
    forgetValidator(path)
    renameSync(partial, target)
    syncFolder(dirname(target))
  }
  function remove(): void {
    close()
    journal.remove()
    forgetValidator(path)
    rmSync(partial, { force: true })
  }
  function close(): void {
    if (!isOpen) return
    isOpen = false
    closeSync(handle)
    journal.close()
    // An empty one is of no use to the next try.
    if (journal.total() === 0) remove()
  }
  return { path: partial, journal, accept, missing, suspect, changed: () => changed, reset, finish, remove, close, [Symbol.dispose]: close }
}

/** Which source the bytes of a partial file came from, and what that source called this version of the file. */
export function rememberValidator(path: string, source: string, validator: string | undefined): void {
  if (validator === undefined) forgetValidator(path)
  else writeFileSync(`${path}.partial.json`, JSON.stringify({ source, validator }), { mode: 0o600 })
}

export function recallValidator(path: string, source: string): string | undefined {
  try {
    const known = JSON.parse(readFileSync(`${path}.partial.json`, 'utf8')) as { source?: unknown; validator?: unknown } | null
    return known?.source === source && typeof known.validator === 'string' ? known.validator : undefined
  } catch {
    // None, or half a line from a crash: the sha256 at the end decides anyway.
    return undefined
  }
}

function forgetValidator(path: string): void {
  rmSync(`${path}.partial.json`, { force: true })
}

function takeStock(handle: number, length: number, journal: PullJournal): void {
  const buffer = Buffer.alloc(blockBytes)
  for (let block = 0; block * blockBytes < length; block++) {
    const read = readSync(handle, buffer, 0, Math.min(blockBytes, length - block * blockBytes), block * blockBytes)
    journal.set(block, read, crc32(buffer.subarray(0, read)))
  }
}

function writeAll(handle: number, pieces: Uint8Array[], position: number, writePieces: WritePieces): void {
  let rest = pieces
  for (let at = position; rest.length > 0; ) {
    const written = writePieces(handle, rest, at)
    at += written
    rest = dropFront(rest, written)
  }
}

function lengthOf(pieces: Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

function dropFront(pieces: Uint8Array[], bytes: number): Uint8Array[] {
  return bytes === 0 ? pieces : split(pieces, bytes)[1]
}

function split(pieces: Uint8Array[], at: number): [before: Uint8Array[], after: Uint8Array[]] {
  const before: Uint8Array[] = []
  const after: Uint8Array[] = []
  let left = at
  for (const piece of pieces) {
    if (left >= piece.length) before.push(piece)
    else if (left === 0) after.push(piece)
    else {
      before.push(piece.subarray(0, left))
      after.push(piece.subarray(left))
    }
    left = Math.max(0, left - piece.length)
  }
  return [before, after]
}

/** A rename is on the disk only when its folder is. Windows has no such thing. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
