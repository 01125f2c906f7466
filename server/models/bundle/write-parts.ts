import { rmSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readFully, syncFolder, writeFully } from './disk.ts'

/** The files of a bundle that is being made; until `finish` each ends with `.partial`. */
export type PartsWriter = {
  write(bytes: Uint8Array, position: number): Promise<void>
  read(bytes: Uint8Array, position: number): Promise<void>
  /** Gives the parts their names, the first part last: without it there is no bundle. */
  finish(): Promise<void>
  /** Closes, and removes what was not finished. */
  [Symbol.asyncDispose](): Promise<void>
}

export async function createParts(paths: readonly string[], sizes: readonly number[]): Promise<PartsWriter> {
  const handles: FileHandle[] = []
  let isFinished = false

  async function span(
    bytes: Uint8Array,
    position: number,
    act: (handle: FileHandle, piece: Uint8Array, offset: number) => Promise<void>
  ): Promise<void> {
    let start = 0
    for (const [i, size] of sizes.entries()) {
      const from = Math.max(position, start)
      const to = Math.min(position + bytes.length, start + size)
      const handle = handles[i]
      if (from < to && handle !== undefined) await act(handle, bytes.subarray(from - position, to - position), from - start)
      start += size
    }
  }
  async function close(): Promise<void> {
    for (const handle of handles.splice(0)) await handle.close()
  }
  async function dispose(): Promise<void> {
    await close()
    if (!isFinished) for (const path of paths) rmSync(partial(path), { force: true })
  }
  try {
    for (const path of paths) handles.push(await open(partial(path), 'w+'))
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    write: (bytes, position) => span(bytes, position, writeFully),
    read: (bytes, position) => span(bytes, position, readFully),
    async finish() {
      for (const handle of handles) await handle.sync()
      await close()
      for (const path of paths.toReversed()) await rename(partial(path), path)
      isFinished = true
      await syncFolder(dirname(paths[0] ?? '.'))
    },
    [Symbol.asyncDispose]: dispose
  }
}

const partial = (path: string) => `${path}.partial`
