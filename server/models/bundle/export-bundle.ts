import { createHash, randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BundleManifest } from '#contracts/bundle.ts'
import type { LocalModel } from '#contracts/model.ts'
import { AppError, toAppError } from '../../errors.ts'
import { isNoSpace } from '../free-space.ts'
import { toCanonicalJson } from './canonical-json.ts'
import { checkContents } from './check-contents.ts'
import { readFully } from './disk.ts'
import { type AppFile, type BundleSource, gather, type LicenceText, unknown } from './gather.ts'
import { chunkCount, createCheckpointer, treeRoot } from './hash-tree.ts'
import { checkpointsName, type Layout, manifestName, probeLength, signatureName, signerName, toLayout } from './layout.ts'
import { toPartName } from './parts.ts'
import { readAhead } from './read-ahead.ts'
import type { Signer } from './signing.ts'
import { toTarHeader } from './tar-header.ts'
import { createParts, type PartsWriter } from './write-parts.ts'

export type ExportOptions = {
  models: readonly LocalModel[]
  /** The file to write, or what its parts begin with. */
  path: string
  signer?: Signer | undefined
  /** Bytes of one part at most; undefined: one file, or what the file system can hold. */
  partSize?: number | undefined
  chunkSize?: number
  creator: string
  licenceText: (spdxId: string) => LicenceText | undefined
  app?: readonly AppFile[]
  signal?: AbortSignal
  onProgress?: (progress: { file: string; received: number; total: number }) => void
}

export type Exported = { paths: string[]; bytes: number; manifest: BundleManifest }

const defaultChunkSize = 4 * 1024 * 1024
/** A part begins at a multiple of this, as disks like it. */
const partAlignment = 4096
/** FAT32 counts the bytes of a file in 32 bits. */
const fatLimit = 2 ** 32 - 1
const msdosMagic = 0x4d44

/**
 * Writes models with their licences as one bundle. Every byte is read and written once: all lengths are known before, so the files come first
 * and the head, which holds their hashes, last. Under its name the bundle appears when it is whole and on the disk.
 * Throws `AppError`: `conflict` (something is there), `weights_corrupt` (a file here is not what it was), `disk_full`, `cancelled`.
 */
export async function exportBundle(options: ExportOptions): Promise<Exported> {
  const signal = options.signal ?? new AbortController().signal
  try {
    return await writeBundle(options, signal)
  } catch (error) {
    if (signal.aborted) throw new AppError('cancelled', 'The export was stopped; what was written of it is removed.')
    const { code } = error as NodeJS.ErrnoException
    if (isNoSpace(error))
      throw new AppError('disk_full', `The disk of ${dirname(options.path)} is full. Free some space or take another medium.`, { cause: error })
    if (code === 'EFBIG')
      throw new AppError('invalid_request', `The disk of ${dirname(options.path)} cannot hold a file of this size. Write parts: --split 4G`, {
        cause: error
      })
    throw toAppError(error)
  }
}

async function writeBundle(options: ExportOptions, signal: AbortSignal): Promise<Exported> {
  const { path, signer } = options
  const contents = await gather(options, signal)
  const draft: BundleManifest = {
    format: 'outpost-bundle',
    version: 1,
    id: randomBytes(16).toString('hex'),
    created: new Date().toISOString(),
    creator: options.creator,
    signer: signer?.fingerprint ?? null,
    chunkSize: options.chunkSize ?? defaultChunkSize,
    parts: null,
    models: contents.models,
    licences: contents.licences,
    files: contents.sources.map(({ file }) => file)
  }
  mkdirSync(dirname(path), { recursive: true })
  const { manifest, layout } = split(draft, toPartSize(options.partSize, await fileSystemOf(dirname(path))))
  checkContents(manifest)
  const paths = layout.parts.length === 1 ? [path] : layout.parts.map((_, i) => toPartName(path, i + 1))
  refuseTaken([path, toPartName(path, 1), ...paths])
  await checkRoom(path, layout.length)

  await using parts = await createParts(paths, layout.parts)
  const checkpoints: string[][] = []
  for (const [i, source] of contents.sources.entries()) {
    const slot = layout.files[i]
    if (slot === undefined) throw new Error('a file without a place')
    await parts.write(toTarHeader(slot.name, slot.size), slot.start)
    checkpoints.push(await copyIn(source, slot.body, manifest.chunkSize, parts, signal, options.onProgress))
  }
  await parts.write(Buffer.alloc(layout.length - endOfFiles(layout)), endOfFiles(layout))
  const whole: BundleManifest = {
    ...manifest,
    files: manifest.files.map((file, i) => ({ ...file, root: treeRoot(checkpoints[i] ?? []) })),
    parts: manifest.parts && { ...manifest.parts, probes: await probe(layout, parts) }
  }
  await writeHead(whole, checkpoints, signer, layout, parts)
  await parts.finish()
  return { paths, bytes: layout.length, manifest: whole }
}

/** The number of parts is in the manifest, and its length decides the number of parts. */
function split(draft: BundleManifest, partSize: number): { manifest: BundleManifest; layout: Layout } {
  let manifest = draft
  for (;;) {
    const layout = toLayout(manifest, Buffer.byteLength(toCanonicalJson(manifest)))
    const count = Math.ceil(layout.length / partSize)
    if (count > 999) throw new AppError('invalid_request', `--split would make ${count} parts; 999 are possible. Take a larger size.`)
    if (count > 1 && layout.headLength > partSize)
      throw new AppError(
        'invalid_request',
        `--split must be at least ${Math.ceil(layout.headLength / partAlignment) * partAlignment} for these models, got ${partSize}`
      )
    if (count <= layout.parts.length) return { manifest, layout }
    manifest = { ...draft, parts: { size: partSize, probes: Array.from({ length: count - 1 }, () => unknown) } }
  }
}

/** Bytes of one part at most. `fileSystem` is its magic number, as `statfs` has it. FAT32 gets what it can hold, also when 4 GiB were asked for. */
export function toPartSize(asked: number | undefined, fileSystem: number): number {
  const limit = Math.min(asked ?? Number.MAX_SAFE_INTEGER, fileSystem === msdosMagic || asked === fatLimit + 1 ? fatLimit : Number.MAX_SAFE_INTEGER)
  return limit === Number.MAX_SAFE_INTEGER ? limit : Math.max(partAlignment, limit - (limit % partAlignment))
}

async function fileSystemOf(folder: string): Promise<number> {
  // Elsewhere the number has other meanings; there a file that is too large says EFBIG.
  return process.platform === 'linux' ? (await statfs(folder)).type : 0
}

function refuseTaken(paths: readonly string[]): void {
  const taken = paths.find((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
  if (taken !== undefined) throw new AppError('conflict', `${taken} is there already. Remove it, or name another file.`)
}

async function checkRoom(path: string, needed: number): Promise<void> {
  const disk = await statfs(dirname(path))
  const free = disk.bavail * disk.bsize
  if (free >= needed) return
  throw new AppError(
    'disk_full',
    `The bundle needs ${needed} bytes in ${dirname(path)}, whose disk has ${free} free. Free some space or take another medium.`
  )
}

/** Copies a file to its place. Answers its checkpoints. */
async function copyIn(
  source: BundleSource,
  body: number,
  chunkSize: number,
  parts: PartsWriter,
  signal: AbortSignal,
  onProgress: ExportOptions['onProgress']
): Promise<string[]> {
  const { file } = source
  await using input = await openSource(source)
  const { read } = input
  const checkpointer = createCheckpointer()
  const checkpoints: string[] = []
  let writing: Promise<void> | undefined
  try {
    for await (const { start, chunk } of readAhead({ size: file.size, chunkSize, read, signal })) {
      checkpoints.push(checkpointer.add(chunk))
      await writing
      writing = parts.write(chunk, body + start)
      writing.catch(() => {})
      onProgress?.({ file: file.name, received: start + chunk.length, total: file.size })
    }
    await writing
  } finally {
    await writing?.catch(() => {})
  }
  if (checkpoints.length === chunkCount(file.size, chunkSize) && checkpoints.at(-1) === file.sha256) return checkpoints
  throw new AppError(
    'weights_corrupt',
    `${file.name} has changed on the disk: sha256 ${checkpoints.at(-1)}, expected ${file.sha256}. Get it again before it is carried on.`
  )
}

async function openSource(source: BundleSource): Promise<{ read(buffer: Uint8Array, position: number): Promise<void> } & AsyncDisposable> {
  if ('text' in source) {
    const bytes = Buffer.from(source.text)
    return { read: async (buffer, position) => buffer.set(bytes.subarray(position, position + buffer.length)), [Symbol.asyncDispose]: async () => {} }
  }
  const handle = await open(source.path, 'r')
  return { read: (buffer, position) => readFully(handle, buffer, position), [Symbol.asyncDispose]: () => handle.close() }
}

const endOfFiles = (layout: Layout) => {
  const last = layout.files.at(-1)
  return last === undefined ? layout.headLength : last.body + last.size
}

async function probe(layout: Layout, parts: PartsWriter): Promise<string[]> {
  const probes: string[] = []
  let position = layout.parts[0] ?? 0
  for (const size of layout.parts.slice(1)) {
    const start = Buffer.alloc(Math.min(probeLength, size))
    await parts.read(start, position)
    probes.push(createHash('sha256').update(start).digest('hex'))
    position += size
  }
  return probes
}

async function writeHead(
  manifest: BundleManifest,
  checkpoints: readonly string[][],
  signer: Signer | undefined,
  layout: Layout,
  parts: PartsWriter
): Promise<void> {
  const bytes = Buffer.from(toCanonicalJson(manifest))
  const texts = new Map<string, Buffer>([
    [manifestName, bytes],
    [checkpointsName, Buffer.from(checkpoints.map((lines) => lines.map((line) => `${line}\n`).join('')).join(''))]
  ])
  if (signer !== undefined) texts.set(signatureName, signer.sign(bytes)).set(signerName, Buffer.from(signer.publicKeyPem))
  for (const { name, size, start, body } of layout.head) {
    const text = texts.get(name)
    if (text?.length !== size) throw new Error(`${name} has ${text?.length} bytes, and ${size} were kept free`)
    await parts.write(toTarHeader(name, size), start)
    await parts.write(text, body)
  }
}
