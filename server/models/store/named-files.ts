import { linkSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Engines find the other files of a model by their names: the parts of a split GGUF, the folder that vLLM is given. So a model of several files has a
 * folder `named/<id>` of links to its blobs; each is made when it is not there. Returns the path of a file under its name.
 */
export function linkByName(folder: string, id: string, file: { name: string; path: string }): string {
  const path = join(namedFolder(folder, id), file.name)
  if (leadsTo(path) === file.path) return path
  mkdirSync(dirname(path), { recursive: true })
  rmSync(path, { force: true })
  try {
    symlinkSync(file.path, path)
  } catch {
    // Windows lets not everyone make symbolic links.
    linkSync(file.path, path)
  }
  return path
}

/** Takes the names away; the blobs stay. */
export function unlinkNames(folder: string, id: string): void {
  rmSync(namedFolder(folder, id), { recursive: true, force: true })
}

function namedFolder(folder: string, id: string): string {
  return join(folder, 'named', encodeURIComponent(id))
}

function leadsTo(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined
  }
}
