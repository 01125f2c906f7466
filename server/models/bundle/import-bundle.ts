import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BundleFile } from '#contracts/bundle.ts'
import type { LocalModel, PinnedEntry } from '#contracts/model.ts'
import { AppError, toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { takeFileLock } from '../file-lock.ts'
import { checkFreeSpace, diskFull, isNoSpace } from '../free-space.ts'
import { inspectModelFiles } from '../inspect/describe-files.ts'
import type { ModelStore } from '../store/store.ts'
import { sizeOf } from './disk.ts'
import { type ImportProgress, importFile, importPath } from './import-file.ts'
import { type Bundle, openBundle } from './open-bundle.ts'
import type { TrustedSigners } from './trusted-signers.ts'

export type ImportOptions = {
  /** The bundle, one of its parts, or a folder with one bundle. */
  path: string
  store: ModelStore
  signers: TrustedSigners
  /** Fingerprints that are trusted from now on, if this bundle is signed by one of them. */
  trust?: readonly string[]
  allowUnsigned?: boolean
  /** Throws what speaks against a model of this signer; asked before anything is written. */
  allow?: (entry: PinnedEntry, signer: string | null) => void
  /** Who asks, to be kept with a signer that is added. */
  by: string
  signal?: AbortSignal
  onProgress?: (progress: ImportProgress) => void
  log: Log
}

export type Imported = {
  models: LocalModel[]
  /** Fingerprint; null: unsigned. */
  signer: string | null
  /** Whether the signer was unknown before. */
  isNewSigner: boolean
  /** Bytes of weights that had to be copied, and that were here already. */
  copied: number
  present: number
}

/**
 * Takes the models of a bundle into the store. Nothing is written before signature, signer, order and lengths are right; a file gets its
 * name only when all its bytes were checked, and a model appears when it has all its files. Resumed after any interruption.
 * Throws `AppError`: `bundle_invalid`, `bundle_untrusted`, `conflict`, `disk_full`, `weights_corrupt`, `cancelled`.
 */
export async function importBundle(options: ImportOptions): Promise<Imported> {
  const { store, log } = options
  const signal = options.signal ?? new AbortController().signal
  await using bundle = await openBundle(options.path)
  const { manifest } = bundle
  const isNewSigner = checkTrust(bundle, options)
  for (const entry of manifest.models) {
    options.allow?.(entry, manifest.signer)
    checkConflict(entry, store)
  }
  if (isNewSigner) await options.signers.add({ fingerprint: manifest.signer ?? '', name: null, by: options.by })
  const weights = manifest.files.filter(({ kind }) => kind === 'weights')
  const missing = weights.filter((file) => sizeOf(store.blobPath(file.sha256)) !== file.size)
  const result: Imported = {
    models: [],
    signer: manifest.signer,
    isNewSigner,
    copied: 0,
    present: weights.reduce((sum, { size }) => sum + size, 0) - missing.reduce((sum, { size }) => sum + size, 0)
  }
  try {
    await checkRoom(missing, store)
    const waiting = new Set(manifest.models)
    const fresh = new Set<string>()
    for (const file of manifest.files) {
      // An installer stays in the bundle; it is checked there.
      if (file.kind === 'app') for await (const _ of bundle.chunks(file, signal));
      else {
        const copied = await takeFile(file, { ...options, bundle, signal })
        result.copied += copied
        if (copied > 0) fresh.add(file.sha256)
      }
      for (const entry of [...waiting].filter((model) => isWhole(model, store))) {
        waiting.delete(entry)
        await inspectFiles(entry, store, fresh, signal)
        result.models.push(store.add(entry, { signer: manifest.signer }))
      }
    }
  } catch (error) {
    if (signal.aborted)
      throw new AppError('cancelled', 'The import was stopped. What was checked so far is kept, and the next import goes on from there.')
    if (isNoSpace(error)) throw diskFull(store.folder, lackOf(missing, store), undefined, 'The bundle', error)
    throw toAppError(error)
  }
  log.info({ models: manifest.models.map(({ id }) => id), signer: manifest.signer, bytes: result.copied }, 'bundle imported')
  return result
}

/** True: the signer was not known before, and is to be trusted now. Throws `AppError('bundle_untrusted')`. */
function checkTrust({ manifest }: Bundle, { signers, trust = [], allowUnsigned }: ImportOptions): boolean {
  const { signer } = manifest
  if (signer === null) {
    if (allowUnsigned === true) return false
    throw new AppError(
      'bundle_untrusted',
      'The bundle is not signed, so nobody answers for it. If you know where it comes from, import it with --allow-unsigned.'
    )
  }
  if (signers.isTrusted(signer)) return false
  if (!trust.includes(signer)) {
    const other = trust.length === 0 ? '' : ` You named ${trust.join(', ')}.`
    throw new AppError(
      'bundle_untrusted',
      `The bundle is signed by ${signer}, who is not trusted here.${other} Ask the sender for the fingerprint by another way; if it is the same, import with --trust ${signer}`
    )
  }
  return true
}

/** A bundle must not change what a model on this machine consists of. */
function checkConflict(entry: PinnedEntry, store: ModelStore): void {
  const here = store.find(entry.id)
  if (here === undefined || here.entry.id !== entry.id) return
  const hashes = new Set(here.files.map(({ sha256 }) => sha256))
  if (entry.files.length === hashes.size && entry.files.every(({ sha256 }) => hashes.has(sha256))) return
  throw new AppError('conflict', `${entry.id} is here with other files than those of the bundle. Remove it first: outpost rm ${entry.id}`)
}

async function checkRoom(missing: readonly BundleFile[], store: ModelStore): Promise<void> {
  mkdirSync(store.folder, { recursive: true })
  await checkFreeSpace(store.folder, lackOf(missing, store), 'The bundle')
}

/** Bytes that are still to be written of these files. */
function lackOf(files: readonly BundleFile[], store: ModelStore): number {
  const lacking = files.map(({ sha256, size }) => {
    const path = store.blobPath(sha256)
    return sizeOf(path) === size ? 0 : Math.max(0, size - (sizeOf(importPath(path)) ?? 0))
  })
  return lacking.reduce((sum, bytes) => sum + bytes, 0)
}

/** Bytes that had to be copied. One process at a time, also against a pull of the same file. */
async function takeFile(file: BundleFile, options: ImportOptions & { bundle: Bundle; signal: AbortSignal }): Promise<number> {
  const { bundle, store } = options
  const path = file.kind === 'weights' ? store.blobPath(file.sha256) : join(store.folder, 'licences', file.name)
  // The text of a licence that is here stays: it may be the better one.
  if (file.kind === 'weights' ? sizeOf(path) === file.size : sizeOf(path) !== undefined) return 0
  mkdirSync(join(path, '..'), { recursive: true })
  let copied = 0
  const onProgress = (progress: ImportProgress) => {
    copied = progress.copied
    options.onProgress?.(progress)
  }
  const waiting = () => {
    const received = sizeOf(importPath(path))
    if (received !== undefined) onProgress({ file: file.name, received: Math.min(received, file.size), total: file.size, copied: 0 })
  }
  using lock = await takeFileLock(`${path}.lock`, options.signal, waiting)
  const signal = AbortSignal.any([options.signal, lock.lost])
  await importFile({ bundle, file, path, signal, onProgress })
  return copied
}

function isWhole(entry: PinnedEntry, store: ModelStore): boolean {
  return entry.files.every(({ sha256, size }) => sizeOf(store.blobPath(sha256)) === size)
}

/** What is whole may lie all the same. What this import brought of such a model goes again, unless another one has it. */
async function inspectFiles(entry: PinnedEntry, store: ModelStore, fresh: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  try {
    await inspectModelFiles(
      entry.files.map(({ name, sha256 }) => ({ name, path: store.blobPath(sha256) })),
      { signal }
    )
  } catch (error) {
    const { message, code } = toAppError(error)
    if (code === 'cancelled') throw error
    const needed = new Set(store.list().flatMap(({ files }) => files.map((file) => file.sha256)))
    for (const file of entry.files) if (fresh.has(file.sha256) && !needed.has(file.sha256)) rmSync(store.blobPath(file.sha256), { force: true })
    const inBundle = entry.files.reduce(
      (text, { name, sha256 }) => text.replaceAll(`${name} (${store.blobPath(sha256)})`, `${name} in the bundle`),
      message
    )
    throw new AppError(code, inBundle, { cause: error })
  }
}
