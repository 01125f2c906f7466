import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { readFully } from './disk.ts'
import { readAhead } from './read-ahead.ts'

const chunkSize = 4 * 1024 * 1024

/** Size and sha256 of a file that nobody has hashed before. */
export async function measureFile(path: string, signal: AbortSignal): Promise<{ size: number; sha256: string }> {
  await using handle = await open(path, 'r')
  const { size } = await handle.stat()
  const hash = createHash('sha256')
  const read = (buffer: Uint8Array, position: number) => readFully(handle, buffer, position)
  for await (const { chunk } of readAhead({ size, chunkSize, read, signal })) hash.update(chunk)
  return { size, sha256: hash.digest('hex') }
}
