import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { noScratch, type Source, type WantedFile } from './source.ts'

/** A folder (a USB stick, a share, the blobs of another Outpost): the file under its own name, or under `sha256-…`. */
export function folderSource(folder: string): Source {
  return fileSource(`folder ${folder}`, ({ name, sha256 }) => [
    join(folder, name),
    ...(sha256 === undefined ? [] : [join(folder, `sha256-${sha256}`), join(folder, 'blobs', `sha256-${sha256}`)])
  ])
}

/** One file, by its absolute path. */
export function pathSource(path: string): Source {
  return fileSource(`file ${path}`, () => [path])
}

/** The first of some paths that has the file with the right size. */
export function fileSource(label: string, paths: (file: WantedFile) => string[]): Source {
  return {
    label,
    scratchBytes: noScratch,
    open: async ({ file, from, to, signal }) => {
      const found = paths(file).flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false })
        return stat?.isFile() === true ? [{ path, size: stat.size }] : []
      })
      const match = found.find(({ size }) => file.size === undefined || size === file.size)
      if (match === undefined) {
        const other = found[0]
        throw new Error(other === undefined ? 'has no such file' : `${other.path} has ${other.size} bytes, the catalogue says ${file.size}`)
      }
      const end = to ?? match.size
      // One stream reads a disk faster than several do.
      const bytes = createReadStream(match.path, { start: from, end: Math.max(from, end - 1), signal, highWaterMark: 1024 * 1024 })
      return { start: from, size: match.size, bytes }
    }
  }
}
