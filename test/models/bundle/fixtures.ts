import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BundleManifest } from '#contracts/bundle.ts'
import type { PinnedEntry } from '#contracts/model.ts'
import { AppError } from '../../../server/errors.ts'
import { toCanonicalJson } from '../../../server/models/bundle/canonical-json.ts'
import { type Exported, type ExportOptions, exportBundle } from '../../../server/models/bundle/export-bundle.ts'
import { type Imported, type ImportOptions, importBundle } from '../../../server/models/bundle/import-bundle.ts'
import { type Layout, toLayout } from '../../../server/models/bundle/layout.ts'
import { createSigningKey, loadSigner, type Signer } from '../../../server/models/bundle/signing.ts'
import { blockSize, readTarHeader, toTarHeader } from '../../../server/models/bundle/tar-header.ts'
import { openTrustedSigners } from '../../../server/models/bundle/trusted-signers.ts'
import { createModelStore, type ModelStore } from '../../../server/models/store/store.ts'
import { catalogueOf, entryOf, fileOf, silent } from '../fixtures.ts'

export const chunkSize = 16_384

export type Home = { folder: string; store: ModelStore; signers: ReturnType<typeof openTrustedSigners> }

export function newHome(folder: string, ...entries: PinnedEntry[]): Home {
  const store = createModelStore({ folder: join(folder, 'models'), catalogue: catalogueOf(...entries), log: silent })
  return { folder, store, signers: openTrustedSigners(join(folder, 'trusted-signers.json')) }
}

/** A home with one model of each content. */
export function homeWith(folder: string, contents: Record<string, Buffer>): Home {
  const home = newHome(folder)
  mkdirSync(join(folder, 'models', 'blobs'), { recursive: true })
  for (const [id, bytes] of Object.entries(contents)) {
    const entry = entryOf([fileOf(bytes, [], `${id}.bin`)], id)
    writeFileSync(home.store.blobPath(entry.files[0]?.sha256 ?? ''), bytes)
    home.store.add(entry)
  }
  return home
}

export function newSigner(folder: string): Signer {
  const file = join(folder, `key-${randomBytes(4).toString('hex')}.pem`)
  mkdirSync(folder, { recursive: true })
  createSigningKey(file)
  return loadSigner(file)
}

export function exportFrom(home: Home, path: string, change: Partial<ExportOptions> = {}): Promise<Exported> {
  const licenceText = (id: string) => ({ name: `${id}.txt`, text: `The text of ${id}.` })
  return exportBundle({ models: home.store.list(), path, chunkSize, creator: 'a test', licenceText, ...change })
}

export function importTo(home: Home, path: string, change: Partial<ImportOptions> = {}): Promise<Imported> {
  return importBundle({ path, store: home.store, signers: home.signers, by: 'a test', log: silent, ...change })
}

export const refused = (code: string, message: RegExp) => (error: unknown) => {
  if (error instanceof AppError && error.code === code && message.test(error.message)) return true
  throw new Error(`expected ${code} ${message}`, { cause: error })
}

/** The files of an unsplit bundle, as any reader of tar sees them. */
export function takeApart(path: string): Map<string, Buffer> {
  const bytes = readFileSync(path)
  const found = new Map<string, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const header = readTarHeader(bytes.subarray(at, at + blockSize))
    if (header === undefined) break
    found.set(header.name, bytes.subarray(at + blockSize, at + blockSize + header.size))
    at += blockSize + Math.ceil(header.size / blockSize) * blockSize
  }
  return found
}

type Change = (manifest: BundleManifest) => unknown

/** Puts a bundle together from its files and a manifest that may say anything, signed by who is given. */
export function forge(files: ReadonlyMap<string, Buffer>, change: Change, signer?: Signer): Buffer {
  const { bytes, length, layout } = forgeHead(files, change, signer)
  const out = Buffer.concat([bytes, Buffer.alloc(length - bytes.length)])
  for (const slot of layout.files) {
    toTarHeader(slot.name, slot.size).copy(out, slot.start)
    files.get(slot.name)?.copy(out, slot.body)
  }
  return out
}

/** Its beginning, up to and with the header of the first file. */
export function forgeHead(files: ReadonlyMap<string, Buffer>, change: Change, signer?: Signer): { bytes: Buffer; length: number; layout: Layout } {
  const manifest = JSON.parse(String(files.get('manifest.json'))) as BundleManifest // what takeApart found
  const draft = (change(manifest) ?? manifest) as BundleManifest // a forger keeps to no schema
  if (signer !== undefined) draft.signer = signer.fingerprint
  const text = Buffer.from(toCanonicalJson(draft))
  const all = new Map(files).set('manifest.json', text)
  if (signer !== undefined) all.set('manifest.sig', signer.sign(text)).set('signer.pem', Buffer.from(signer.publicKeyPem))
  const layout = toLayout(draft, text.length)
  const bytes = Buffer.alloc(layout.headLength + blockSize)
  for (const slot of layout.head) {
    toTarHeader(slot.name, slot.size).copy(bytes, slot.start)
    all.get(slot.name)?.copy(bytes, slot.body)
  }
  for (const slot of layout.files.slice(0, 1)) toTarHeader(slot.name, slot.size).copy(bytes, slot.start)
  return { bytes, length: layout.length, layout }
}
