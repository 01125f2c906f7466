import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { noScratch, type Source } from './source.ts'

/** A folder (a USB stick, a share, the blobs of another Outpost): the file under its own name, or under `sha256-…`. */
export function folderSource(folder: string): Source {
  return fileSource(`folder ${folder}`, (file) => [
    join(folder, file.name),
    join(folder, `sha256-${file.sha256}`),
    join(folder, 'blobs', `sha256-${file.sha256}`)
  ])
}

/** One file, by its absolute path. */
export function pathSource(path: string): Source {
  return fileSource(`file ${path}`, () => [path])
}

function fileSource(label: string, paths: (file: { name: string; sha256: string }) => string[]): Source {
  return {
    label,
    scratchBytes: noScratch,
    open: async ({ file, from, signal }) => {
      const found = paths(file).flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false })
        return stat?.isFile() === true ? [{ path, size: stat.size }] : []
      })
      const match = found.find(({ size }) => size === file.size)
      if (match !== undefined) return { start: from, bytes: createReadStream(match.path, { start: from, signal, highWaterMark: 1024 * 1024 }) }
      const other = found[0]
      throw new Error(other === undefined ? 'has no such file' : `${other.path} has ${other.size} bytes, the catalogue says ${file.size}`)
    }
  }
}
