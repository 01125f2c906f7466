import { mkdirSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BundleFile } from '#contracts/bundle.ts'
import { readFully, sizeOf, syncFolder, writeFully } from './disk.ts'
import { createCheckpointer } from './hash-tree.ts'
import type { Bundle, VerifiedStart } from './open-bundle.ts'
import { readAhead } from './read-ahead.ts'

/** Bytes of one file: here and checked, in all, and copied from the bundle by this import. */
export type ImportProgress = { file: string; received: number; total: number; copied: number }

/** Where the checked beginning of a file lies until it is whole. */
export function importPath(path: string): string {
  return `${path}.import`
}

/**
 * Copies one file out of a bundle to `path`. Only checked chunks are written, and the file gets its name when it is whole and on the disk. What an earlier import left
 * is read again and held against the checkpoints: they are the journal, and one that cannot be out of step with the bytes.
 */
export async function importFile(options: {
  bundle: Bundle
  file: BundleFile
  path: string
  signal: AbortSignal
  onProgress: (progress: ImportProgress) => void
}): Promise<void> {
  const { bundle, file, path, signal } = options
  if (sizeOf(path) === file.size) return
  mkdirSync(dirname(path), { recursive: true })
  const unfinished = importPath(path)
  const handle = await openForWriting(unfinished)
  try {
    const known = await recall(handle, options)
    let received = Math.min(file.size, known.count * bundle.manifest.chunkSize)
    let copied = 0
    const report = () => options.onProgress({ file: file.name, received, total: file.size, copied })
    report()
    let writing: Promise<void> | undefined
    try {
      for await (const { start, chunk } of bundle.chunks(file, signal, known)) {
        await writing
        writing = writeFully(handle, chunk, start).then(() => {
          received = start + chunk.length
          copied += chunk.length
          report()
        })
        // Looked at with the next chunk; until then it must not count as a failure nobody cared for.
        writing.catch(() => {})
      }
      await writing
    } finally {
      await writing?.catch(() => {})
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(unfinished, path)
  await syncFolder(dirname(path))
}

/** How many chunks of an earlier import are here and right; what comes after them is cut off. */
async function recall(
  handle: FileHandle,
  { bundle, file, signal, onProgress }: { bundle: Bundle; file: BundleFile; signal: AbortSignal; onProgress: (progress: ImportProgress) => void }
): Promise<VerifiedStart> {
  const { chunkSize } = bundle.manifest
  const found = (await handle.stat()).size
  const size = found >= file.size ? file.size : found - (found % chunkSize)
  const checkpoints = bundle.checkpoints(file)
  const checkpointer = createCheckpointer()
  let count = 0
  const read = (buffer: Uint8Array, position: number) => readFully(handle, buffer, position)
  for await (const { index, start, chunk } of readAhead({ size, chunkSize, read, signal })) {
    if (!checkpointer.accepts(chunk, checkpoints[index])) break
    count = index + 1
    onProgress({ file: file.name, received: start + chunk.length, total: file.size, copied: 0 })
  }
  const kept = Math.min(file.size, count * chunkSize)
  if (found !== kept) await handle.truncate(kept)
  return { count, checkpointer }
}

async function openForWriting(path: string): Promise<FileHandle> {
  // Append mode creates without truncating, but cannot write at a position.
  await (await open(path, 'a', 0o600)).close()
  return open(path, 'r+')
}
