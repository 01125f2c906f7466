import { statSync } from 'node:fs'
import { join } from 'node:path'
import { isHeld } from '../file-lock.ts'
import { namesIn } from './manifests.ts'

/** What a whole, checked file is called in a blob folder, and in folders and mirrors that hold one. */
export function blobName(sha256: string): string {
  return `sha256-${sha256}`
}

/**
 * What lies in a blob folder under one name: the blob itself (ending `''`), and what a pull of it has left or is making (`.partial`, `.lock`, …). What is
 * pulled before anybody knows its hash has a name without one (`unverified-…`) and no blob.
 */
export type BlobFiles = { name: string; sha256: string | undefined; endings: string[] }

const pattern = /^(sha256-([0-9a-f]{64})|unverified-[0-9a-f]+)(\..+)?$/

/** By name. Names that are not ours are passed over. */
export function blobFilesIn(folder: string): BlobFiles[] {
  const groups = new Map<string, BlobFiles>()
  for (const file of namesIn(folder)) {
    const [, name, sha256, ending = ''] = pattern.exec(file) ?? []
    if (name === undefined) continue
    const group = groups.get(name) ?? { name, sha256, endings: [] }
    group.endings.push(ending)
    groups.set(name, group)
  }
  return [...groups.values()]
}

/** Paths of what pulls of this hash left, the blob not among them. `isIdle`: none while a pull of it runs, in whatever process. */
export function leftoversOf(folder: string, sha256: string, { isIdle }: { isIdle: boolean }): string[] {
  const base = join(folder, blobName(sha256))
  const names = namesIn(folder).filter((name) => name.startsWith(`${blobName(sha256)}.`))
  if (isIdle && isHeld(`${base}.lock`)) return []
  return names.map((name) => join(folder, name))
}

/** When something was last written to, Unix milliseconds; 0: it is gone. */
export function touchedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
