import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { blockBytes } from './pull-journal.ts'

/**
 * The sha256 of a file that is still growing: it is read behind the download, so that the hash is there when the last byte is. Each block is held
 * against the CRC-32 of what was received: what a crash of the machine or the disk itself has changed shows before it counts.
 */
export type HashWalk = {
  /** Bytes hashed so far. */
  at(): number
  /** Hashes the whole blocks up to `frontier` and the end of the file. Returns a block whose bytes are not those that were received, before which it stands then. */
  advance(frontier: number): number | undefined
  /** When all is hashed. */
  digest(): string
  close(): void
}

/** `records`: those of the journal; undefined: whatever lies there is hashed. */
export function openHashWalk(path: string, size: number, records: Uint32Array | undefined): HashWalk {
  const handle = openSync(path, 'r')
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(blockBytes)
  let at = 0
  let sha256: string | undefined
  return {
    at: () => at,
    advance(frontier) {
      while (at < frontier) {
        const length = Math.min(blockBytes, size - at)
        if (at + length > frontier) return undefined
        const bytes = buffer.subarray(0, readSync(handle, buffer, 0, length, at))
        const block = at / blockBytes
        if (bytes.length < length || (records !== undefined && crc32(bytes) !== records[block * 2 + 1])) return block
        hash.update(bytes)
        at += length
      }
      return undefined
    },
    digest() {
      sha256 ??= hash.digest('hex')
      return sha256
    },
    close: () => closeSync(handle)
  }
}
