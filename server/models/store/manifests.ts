import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PinnedEntry } from '#contracts/model.ts'
import type { Log } from '../../log.ts'
import { writeWhole } from '../write-whole.ts'
import { FilePrint } from './file-print.ts'

const AdoptedFile = FilePrint.extend({ path: z.string() })
export type AdoptedFile = z.infer<typeof AdoptedFile>

/** How a model came here, as far as that is known: policies ask for it at each load. */
export const Origin = z.object({
  /** Who signed the bundle it came in; null: it came unsigned. */
  signer: z.string().nullable().optional(),
  /** References of the sources it came from, as a catalogue writes them. */
  sources: z.array(z.string()).optional()
})
export type Origin = z.infer<typeof Origin>

/** One file per model in `manifests/`. `adopted`: its files lie where their owner put them, and were never hashed. */
export const Manifest = z.object({
  entry: PinnedEntry,
  // The first versions knew one adopted file only.
  adopted: z.union([z.array(AdoptedFile), AdoptedFile.transform((file) => [file])]).optional(),
  origin: Origin.optional()
})
export type Manifest = z.infer<typeof Manifest>

export type Manifests = {
  /** Every manifest that can be read; the others are logged and passed over. */
  list(): Manifest[]
  read(id: string): Manifest | undefined
  write(manifest: Manifest): void
  remove(id: string): void
}

/** The manifests of one folder. A file that was not touched is not read again: a list of a hundred models is asked for once a second. */
export function openManifests(folder: string, log: Log): Manifests {
  const known = new Map<string, { print: string; manifest: Manifest | undefined }>()

  // An id may hold a colon, which Windows does not allow in a file name.
  const pathOf = (id: string) => join(folder, `${encodeURIComponent(id)}.json`)

  function load(path: string): Manifest | undefined {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) {
      known.delete(path)
      return undefined
    }
    const print = `${stat.ino} ${stat.size} ${stat.mtimeMs}`
    const before = known.get(path)
    if (before?.print === print) return before.manifest
    const manifest = parse(path)
    known.set(path, { print, manifest })
    return manifest
  }

  function parse(path: string): Manifest | undefined {
    try {
      return Manifest.parse(JSON.parse(readFileSync(path, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ path, reason: (error as Error).message }, 'manifest passed over')
      return undefined
    }
  }

  return {
    list() {
      return namesIn(folder)
        .filter((name) => name.endsWith('.json'))
        .flatMap((name) => load(join(folder, name)) ?? [])
    },
    read: (id) => load(pathOf(id)),
    write(manifest) {
      const path = pathOf(manifest.entry.id)
      writeWhole(path, `${JSON.stringify(manifest, null, 2)}\n`, { flush: true })
      known.delete(path)
    },
    remove: (id) => rmSync(pathOf(id), { force: true })
  }
}

/** Sorted; none where there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
