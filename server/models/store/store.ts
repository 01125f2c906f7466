import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Catalogue, CatalogueEntry, LocalModel, ModelFile, PinnedEntry, PinnedFile } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { findEntry } from '../catalogue.ts'
import { inspectWeights } from '../inspect/inspect.ts'
import { describeAdopted, type Inspect, toModelId } from './adopt.ts'
import { isUnchanged, printOf } from './file-print.ts'
import { type Manifest, type Manifests, type Origin, openManifests } from './manifests.ts'
import { linkByName, unlinkNames } from './named-files.ts'
import { blobName, leftoversOf } from './store-files.ts'
import { openVerifiedMarks, type VerifiedMarks } from './verified-marks.ts'

/** `freed`: bytes of the files that nothing else used. `kept`: those that stay, because they are others' or not ours. */
export type Removal = { id: string; freed: number; kept: number }

/** `again`: also when it has not changed. `allow` throws what speaks against the model, before anything is written. */
export type AdoptOptions = { id?: string; again?: boolean; allow?: (manifest: Manifest) => void }

/** A model that has a manifest and cannot be used. */
export type BrokenModel = { entry: CatalogueEntry; reason: string; adoptedFrom: string | undefined }

/**
 * The weights on this machine: `blobs/sha256-…` holds every file once, under its hash, and `manifests/<id>.json` says which model
 * needs which; so what a blob is needed by is always read off the manifests. A blob gets its name only after its hash was checked, so start-up looks at
 * existence and size alone. Shared stores are the folders of other Outposts: read, never written.
 */
export type ModelStore = {
  readonly folder: string
  readonly blobFolder: string
  /** Models all of whose files are here with the right size. */
  list(): LocalModel[]
  /** Models whose files are missing or have changed. */
  broken(): BrokenModel[]
  /** By id or alias; undefined when it is not complete on this machine. */
  find(nameOrAlias: string): LocalModel | undefined
  originOf(id: string): Origin | undefined
  /**
   * Takes a GGUF file into use where it lies, without a copy; of a split one, any part stands for all. The id comes from the file's name where none is
   * given. Its sha256 stays `''`, because it is not ours to vouch for. One that was adopted before is looked into again when it has changed.
   */
  adopt(path: string, options?: AdoptOptions): Promise<LocalModel>
  /** What adopting this file would call it, and what stands against that. Reads nothing. */
  nameFor(path: string): { id: string; takenBy: string | undefined; isAdopted: boolean }
  /** Writes the manifest of a model whose blobs are all here. */
  add(entry: PinnedEntry, origin?: Origin): LocalModel
  /** Forgets a model and deletes the blobs no other model needs, and what a stopped pull of it left; an adopted file stays. Undefined: nothing of it was here. */
  remove(nameOrAlias: string): Removal | undefined
  /** What the files of a model were pinned to when it was pulled, whether they are still here or not. */
  pins(id: string): PinnedFile[]
  /** Where a file with this hash lies, or will. */
  blobPath(sha256: string): string
  /** Hash → the models that need this blob. */
  users(): Map<string, string[]>
  readonly verified: VerifiedMarks
  /** Takes a blob out of use, for someone to look at. Undefined: it lies in a shared store, or not here at all. */
  quarantine(sha256: string): string | undefined
}

export function createModelStore(options: {
  folder: string
  catalogue: Catalogue
  /** Model folders of other Outposts. */
  shared?: readonly string[]
  inspect?: Inspect
  log: Log
}): ModelStore {
  const { catalogue, log } = options
  const inspect = options.inspect ?? ((files) => inspectWeights(files))
  const folder = resolve(options.folder)
  const blobFolder = join(folder, 'blobs')
  const own = openManifests(join(folder, 'manifests'), log)
  const shared = (options.shared ?? []).map((place) => ({
    blobs: join(resolve(place), 'blobs'),
    manifests: openManifests(join(resolve(place), 'manifests'), log)
  }))
  const verified = openVerifiedMarks(join(folder, 'verified.json'))
  const said = new Map<string, string>()

  const blobPath = (sha256: string) => join(blobFolder, blobName(sha256))

  /** Its own folder first; where it shall lie when it is nowhere. */
  function locate(sha256: string, size: number): string {
    const places = [blobFolder, ...shared.map(({ blobs }) => blobs)].map((place) => join(place, blobName(sha256)))
    return places.find((path) => sizeOf(path) === size) ?? blobPath(sha256)
  }

  /** One's own manifests win over those of shared stores. */
  function manifests(): Manifest[] {
    const all = [...shared.toReversed().map(({ manifests: others }) => others), own].flatMap((place: Manifests) => place.list())
    return [...new Map(all.map((manifest) => [manifest.entry.id, manifest])).values()].sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1))
  }

  function readManifest(id: string): Manifest | undefined {
    for (const place of [own, ...shared.map(({ manifests: others }) => others)]) {
      const manifest = place.read(id)
      if (manifest !== undefined) return manifest
    }
    return undefined
  }

  /** One file may lie under its hash; of several, each is looked for under its name. */
  function pathOf({ id, files }: PinnedEntry, { name, sha256, size }: PinnedFile): string {
    const path = locate(sha256, size)
    return files.length > 1 && existsSync(path) ? linkByName(folder, id, { name, path }) : path
  }

  function toLocal(manifest: Manifest): LocalModel | BrokenModel {
    // What the catalogue says now is newer than what it said at the pull, as long as it speaks of the same files.
    const current = catalogue.models.find(({ id }) => id === manifest.entry.id)
    const isCurrent = current !== undefined && manifest.adopted === undefined && sameFiles(current, manifest.entry)
    const entry = isCurrent ? { ...current, files: manifest.entry.files } : manifest.entry
    if (manifest.adopted !== undefined) {
      const changed = manifest.adopted.find((file) => !isUnchanged(printOf(file.path), file))
      if (changed !== undefined) {
        const adoptedFrom = manifest.adopted[0]?.path
        return broken({ entry, adoptedFrom, reason: `${changed.path} ${changeOf(changed.path)}. Look at it again: outpost verify ${entry.id}` })
      }
      return { entry, files: manifest.adopted.map(({ path, size }) => ({ name: basename(path), path, size, sha256: '' })) }
    }
    const files = entry.files.map((file) => ({ name: file.name, path: pathOf(entry, file), size: file.size, sha256: file.sha256 }))
    const lacking = files.find((file) => sizeOf(file.path) !== file.size)
    if (lacking === undefined) return { entry, files }
    const found = sizeOf(lacking.path)
    const what = found === undefined ? 'is missing' : `has ${found} bytes, expected ${lacking.size}`
    return broken({ entry, adoptedFrom: undefined, reason: `${lacking.path} ${what}. Get it again: outpost pull ${entry.id}` })
  }

  /** Said once, not at each look. */
  function broken(model: BrokenModel): BrokenModel {
    const { id } = model.entry
    if (said.get(id) !== model.reason) log.warn({ model: id, reason: model.reason }, 'weights missing or changed')
    said.set(id, model.reason)
    return model
  }

  const usable = (manifest: Manifest): LocalModel | undefined => {
    const model = toLocal(manifest)
    return 'files' in model ? model : undefined
  }
  const list = () => manifests().flatMap((manifest) => usable(manifest) ?? [])
  const idOf = (nameOrAlias: string) => findEntry(catalogue, nameOrAlias)?.id ?? nameOrAlias.toLowerCase()

  function find(nameOrAlias: string): LocalModel | undefined {
    const manifest = readManifest(idOf(nameOrAlias))
    if (manifest !== undefined) return usable(manifest)
    return list().find(({ entry }) => entry.aliases.some((alias) => alias.toLowerCase() === nameOrAlias.toLowerCase()))
  }

  function add(entry: PinnedEntry, origin?: Origin): LocalModel {
    const manifest: Manifest = { entry, ...(origin === undefined ? {} : { origin }) }
    own.write(manifest)
    const model = toLocal(manifest)
    if ('files' in model) return model
    throw new AppError('internal_error', `The files of ${entry.id} are not all in ${blobFolder}: ${model.reason}`)
  }

  function nameFor(path: string, wanted?: string) {
    const absolute = resolve(path)
    const id = wanted?.toLowerCase() ?? toModelId(basename(absolute))
    const known = readManifest(id)
    const isAdopted = known?.adopted?.some((file) => file.path === absolute) === true
    const inCatalogue = catalogue.models.some((entry) => entry.id === id) ? 'the catalogue' : undefined
    const takenBy = isAdopted || known === undefined ? inCatalogue : (known.adopted?.[0]?.path ?? inCatalogue ?? 'a model that was pulled')
    return { id, takenBy, isAdopted }
  }

  async function adopt(path: string, { id: wanted, again, allow }: AdoptOptions = {}): Promise<LocalModel> {
    const absolute = resolve(path)
    const { id, takenBy } = nameFor(absolute, wanted)
    if (!/^[a-z0-9][a-z0-9._:-]*$/.test(id)) {
      throw new AppError('invalid_request', `${JSON.stringify(id)} is no name for a model: letters, digits and . _ : - are possible`)
    }
    const known = own.read(id)
    const manifest = await describeAdopted(absolute, id, again === true ? undefined : known, inspect)
    if (takenBy !== undefined) {
      throw new AppError(
        'conflict',
        `${absolute} would be the model ${id}, but ${takenBy} has that name. Rename the file, or give another name: outpost adopt ${absolute} --name NAME`
      )
    }
    allow?.(manifest)
    if (manifest !== known) own.write(manifest)
    const model = toLocal(manifest)
    if ('files' in model) return model
    throw new AppError('conflict', `${absolute} changed while it was being read. Try again when nothing writes to it.`)
  }

  function users(): Map<string, string[]> {
    const needed = new Map<string, string[]>()
    for (const { entry } of own.list()) for (const { sha256 } of entry.files) needed.set(sha256, [...(needed.get(sha256) ?? []), entry.id])
    return needed
  }

  function remove(nameOrAlias: string): Removal | undefined {
    const manifest = own.read(idOf(nameOrAlias)) ?? own.list().find(({ entry }) => entry.aliases.includes(nameOrAlias))
    if (manifest === undefined && readManifest(idOf(nameOrAlias)) !== undefined) {
      throw new AppError('conflict', `${nameOrAlias} lies in a shared store, which is only read here: remove it there`)
    }
    const entry = manifest?.entry ?? findEntry(catalogue, nameOrAlias)
    if (entry === undefined) return undefined
    own.remove(entry.id)
    unlinkNames(folder, entry.id)
    const needed = users()
    let freed = 0
    let kept = manifest?.adopted?.reduce((sum, { size }) => sum + size, 0) ?? 0
    for (const { sha256 } of entry.files) {
      // Nobody knows yet what it will be called.
      if (sha256 === undefined) continue
      const paths = leftoversOf(blobFolder, sha256, { isIdle: true })
      if (!needed.has(sha256)) {
        if (existsSync(blobPath(sha256))) paths.push(blobPath(sha256))
        verified.forget(sha256)
      } else kept += sizeOf(blobPath(sha256)) ?? 0
      for (const path of paths) {
        freed += sizeOf(path) ?? 0
        rmSync(path, { recursive: true, force: true })
      }
    }
    return manifest === undefined && freed === 0 ? undefined : { id: entry.id, freed, kept }
  }

  function quarantine(sha256: string): string | undefined {
    if (!existsSync(blobPath(sha256))) return undefined
    const place = join(folder, 'quarantine')
    mkdirSync(place, { recursive: true, mode: 0o700 })
    const path = join(place, `${blobName(sha256)}-${Date.now()}`)
    renameSync(blobPath(sha256), path)
    verified.forget(sha256)
    return path
  }

  return {
    folder,
    blobFolder,
    list,
    broken: () =>
      manifests()
        .flatMap((manifest) => toLocal(manifest))
        .filter((model) => 'reason' in model),
    find,
    originOf: (id) => readManifest(id)?.origin,
    adopt,
    nameFor: (path) => nameFor(path),
    add,
    remove,
    pins: (id) => own.read(id)?.entry.files ?? [],
    blobPath,
    users,
    verified,
    quarantine
  }
}

/** Of a model that is known, and has to be pulled first. */
export function weightsNotHere(id: string): AppError {
  return new AppError('model_not_ready', `the weights of ${id} are not here: outpost pull ${id}`)
}

function changeOf(path: string): string {
  return printOf(path) === undefined ? 'is missing' : 'has changed since it was looked at'
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
