import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import { type Catalogue, type CatalogueEntry, type LocalModel, type ModelFile, PinnedEntry, type PinnedFile } from '#contracts/model.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { findEntry } from './catalogue.ts'
import { inspectGguf } from './inspect.ts'
import { linkByName, unlinkNames } from './named-files.ts'

/** One file per model in `manifests/`. `adopted`: the file lies where its owner put it, and was never hashed. */
const Manifest = z.object({ entry: PinnedEntry, adopted: z.object({ path: z.string(), size: z.int() }).optional() })
type Manifest = z.infer<typeof Manifest>

/**
 * The weights on this machine: `blobs/sha256-…` holds every file once, under its hash, and `manifests/<id>.json` says which model
 * needs which. A blob gets its name only after its hash was checked, so start-up looks at existence and size alone.
 */
export type ModelStore = {
  readonly folder: string
  /** Models all of whose files are here with the right size. */
  list(): LocalModel[]
  /** By id or alias; undefined when it is not complete on this machine. */
  find(nameOrAlias: string): LocalModel | undefined
  /** Takes a GGUF file into use where it lies, without a copy. The id comes from the file's name. Its sha256 stays `''`, because it is not ours to vouch for. */
  adopt(path: string): LocalModel
  /** Writes the manifest of a model whose blobs are all here. */
  add(entry: PinnedEntry): LocalModel
  /** Forgets a model and deletes the blobs no other model needs; an adopted file stays. False: it was not here. */
  remove(nameOrAlias: string): boolean
  /** What the files of a model were pinned to when it was pulled, whether they are still here or not. */
  pins(id: string): PinnedFile[]
  readonly blobFolder: string
  /** Where a file with this hash lies, or will. */
  blobPath(sha256: string): string
}

export function createModelStore(options: { folder: string; catalogue: Catalogue; log: Log }): ModelStore {
  const { catalogue, log } = options
  const folder = resolve(options.folder)
  const blobs = join(folder, 'blobs')
  const manifests = join(folder, 'manifests')

  const blobPath = (sha256: string) => join(blobs, `sha256-${sha256}`)
  // An id may hold a colon, which Windows does not allow in a file name.
  const manifestPath = (id: string) => join(manifests, `${encodeURIComponent(id)}.json`)

  function readManifest(path: string): Manifest | undefined {
    try {
      return Manifest.parse(JSON.parse(readFileSync(path, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ path, reason: (error as Error).message }, 'manifest passed over')
      return undefined
    }
  }

  function readManifests(): Manifest[] {
    if (!existsSync(manifests)) return []
    return readdirSync(manifests)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .flatMap((name) => readManifest(join(manifests, name)) ?? [])
  }

  function writeManifest(manifest: Manifest): void {
    mkdirSync(manifests, { recursive: true })
    const path = manifestPath(manifest.entry.id)
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true })
    renameSync(temporary, path)
  }

  function toLocal(manifest: Manifest): LocalModel | undefined {
    // What the catalogue says now is newer than what it said at the pull, as long as it speaks of the same files.
    const current = catalogue.models.find(({ id }) => id === manifest.entry.id)
    const entry =
      current !== undefined && manifest.adopted === undefined && sameFiles(current, manifest.entry)
        ? { ...current, files: manifest.entry.files }
        : manifest.entry
    const files =
      manifest.adopted !== undefined
        ? [{ name: basename(manifest.adopted.path), path: manifest.adopted.path, size: manifest.adopted.size, sha256: '' }]
        : entry.files.map(({ name, size, sha256 }) => ({ name, path: pathOf(entry, { name, sha256 }), size, sha256 }))
    const lacking = files.find((file) => sizeOf(file.path) !== file.size)
    if (lacking === undefined) return { entry, files }
    log.warn({ model: entry.id, path: lacking.path, expected: lacking.size, found: sizeOf(lacking.path) ?? 'nothing' }, 'weights missing or changed')
    return undefined
  }

  /** One file may lie under its hash; of several, each is looked for under its name. */
  function pathOf({ id, files }: PinnedEntry, { name, sha256 }: { name: string; sha256: string }): string {
    const path = blobPath(sha256)
    return files.length > 1 && existsSync(path) ? linkByName(folder, id, { name, path }) : path
  }

  const list = () => readManifests().flatMap((manifest) => toLocal(manifest) ?? [])

  function find(nameOrAlias: string): LocalModel | undefined {
    const id = findEntry(catalogue, nameOrAlias)?.id ?? nameOrAlias.toLowerCase()
    const manifest = readManifest(manifestPath(id))
    if (manifest !== undefined) return toLocal(manifest)
    return list().find(({ entry }) => entry.aliases.some((alias) => alias.toLowerCase() === nameOrAlias.toLowerCase()))
  }

  function add(entry: PinnedEntry): LocalModel {
    writeManifest({ entry })
    const model = toLocal({ entry })
    if (model === undefined) throw new AppError('internal_error', `The files of ${entry.id} are not all in ${blobs}.`)
    return model
  }

  function adopt(path: string): LocalModel {
    const absolute = resolve(path)
    const description = inspectGguf(absolute)
    const id = toId(basename(absolute))
    const known = readManifest(manifestPath(id))
    const takenBy = known === undefined ? undefined : (toLocal(known)?.files[0]?.path ?? undefined)
    if ((takenBy !== undefined && takenBy !== absolute) || catalogue.models.some((entry) => entry.id === id)) {
      throw new AppError('conflict', `${absolute} would be the model ${id}, but ${takenBy ?? 'the catalogue'} has that name. Rename the file.`)
    }
    const entry: PinnedEntry = {
      id,
      aliases: [],
      name: description.name ?? id,
      description: `Used in place: ${absolute}`,
      kind: description.isEmbedding ? 'embedding' : 'chat',
      engine: 'llama',
      licence: description.licence ?? 'NOASSERTION',
      ...(description.parameters > 0 ? { parameters: description.parameters } : {}),
      contextWindow: description.contextLength,
      ...(description.isEmbedding ? { dimensions: description.embeddingLength } : {}),
      files: []
    }
    const manifest = { entry, adopted: { path: absolute, size: statSync(absolute).size } }
    writeManifest(manifest)
    const model = toLocal(manifest)
    if (model === undefined) throw new AppError('conflict', `${absolute} changed while it was being read. Try again when nothing writes to it.`)
    return model
  }

  function remove(nameOrAlias: string): boolean {
    const id = findEntry(catalogue, nameOrAlias)?.id ?? nameOrAlias.toLowerCase()
    const manifest = readManifest(manifestPath(id))
    if (manifest === undefined) return false
    rmSync(manifestPath(id), { force: true })
    unlinkNames(folder, id)
    if (manifest.adopted !== undefined) return true
    const needed = new Set(readManifests().flatMap(({ entry }) => entry.files.map((file) => file.sha256)))
    for (const { sha256 } of manifest.entry.files) {
      if (!needed.has(sha256)) rmSync(blobPath(sha256), { force: true })
    }
    return true
  }

  const pins = (id: string) => readManifest(manifestPath(id))?.entry.files ?? []

  return { folder, list, find, adopt, add, remove, pins, blobFolder: blobs, blobPath }
}

/** A file whose hash the catalogue does not know is the one that was pinned under its name. */
function sameFiles(current: CatalogueEntry, pinned: PinnedEntry): boolean {
  const isSame = (file: ModelFile) =>
    pinned.files.some((other) => (file.sha256 === undefined ? other.name === file.name : other.sha256 === file.sha256))
  return current.files.length === pinned.files.length && current.files.every(isSame)
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size
  } catch {
    // A folder we may not look into is as good as none.
    return undefined
  }
}

/** `Qwen3 4B.Q4_K_M.gguf` → `qwen3-4b.q4_k_m` */
function toId(fileName: string): string {
  const id = fileName
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
  return id === '' ? 'model' : id
}
