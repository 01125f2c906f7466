import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file on its way: what came so far lies in `<path>.partial`, and its hash is kept along. */
export type PartialFile = {
  /** Bytes that are here. */
  length(): number
  write(chunk: Uint8Array): Promise<void>
  /** Throws away what is here. */
  reset(): Promise<void>
  sha256(): string
  /** Gives the file its name, for good: on the disk before it is seen. */
  finish(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens or goes on with a partial file; what an earlier process wrote is read again, because only its bytes tell its hash. More than `size` bytes are thrown away. */
export async function openPartialFile(path: string, size: number, signal: AbortSignal): Promise<PartialFile> {
  const partial = `${path}.partial`
  const handle = await open(partial, 'a+', 0o600).then(async (created) => {
    // Append mode creates without truncating, but cannot write at a position.
    await created.close()
    return open(partial, 'r+')
  })
  let hash = createHash('sha256')
  let length = 0
  try {
    const { size: found } = await handle.stat()
    if (found > size) await handle.truncate(0)
    else if (found > 0) {
      for await (const chunk of createReadStream(partial, { signal, end: found - 1, highWaterMark: 1024 * 1024 })) {
        hash.update(chunk as Buffer)
        length += (chunk as Buffer).length
      }
    }
  } catch (error) {
    await handle.close()
    throw error
  }

  async function write(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, length + done)
      done += bytesWritten
    }
    hash.update(chunk)
    length += chunk.length
  }
  async function reset(): Promise<void> {
    await handle.truncate(0)
    forgetValidator(path)
    hash = createHash('sha256')
    length = 0
  }
  async function finish(): Promise<void> {
    await handle.sync()
    await close()
    await rename(partial, path)
    forgetValidator(path)
    await syncFolder(dirname(path))
  }
  let isOpen = true
  async function close(): Promise<void> {
    if (!isOpen) return
    isOpen = false
    await handle.close()
    // An empty one is of no use to the next try. (When finished, the file has its name, and this one is gone.)
    if (length === 0) rmSync(partial, { force: true })
  }
  return { length: () => length, write, reset, sha256: () => hash.copy().digest('hex'), finish, close, [Symbol.asyncDispose]: close }
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

/** A rename is on the disk only when its folder is. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle: FileHandle = await open(folder, 'r')
  await handle.sync()
}
