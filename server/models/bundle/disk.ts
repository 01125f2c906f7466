import { statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Fills a buffer from an open file. Throws when the file ends before that. */
export async function readFully(handle: FileHandle, buffer: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) throw new Error(`it ends at byte ${position + done}`)
    done += bytesRead
  }
}

/**
 * Written in pieces of this size. From 512 KiB on, Linux (seen with 6.18, ext4) looks for that much memory in one piece for its page cache, and on a machine that has run for a while
 * the looking takes three times as long as the writing. Bytes.
 */
const pieceSize = 256 * 1024

/** Writes all of a buffer to an open file; pieces of it in any order. */
export async function writeFully(handle: FileHandle, buffer: Uint8Array, position: number): Promise<void> {
  const pieces: Promise<void>[] = []
  for (let start = 0; start < buffer.length; start += pieceSize) {
    pieces.push(writePiece(handle, buffer.subarray(start, start + pieceSize), position + start))
  }
  await Promise.all(pieces)
}

async function writePiece(handle: FileHandle, piece: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await handle.write(piece, done, piece.length - done, position + done)
    done += bytesWritten
  }
}

export function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

/** A rename is on the disk only when its folder is. Windows has no such thing. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(folder, 'r')
  await handle.sync()
}
