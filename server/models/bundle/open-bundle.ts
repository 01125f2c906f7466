import { createHash } from 'node:crypto'
import { type BundleFile, BundleManifest } from '#contracts/bundle.ts'
import type { AppError } from '../../errors.ts'
import { fromCanonicalJson } from './canonical-json.ts'
import { checkContents } from './check-contents.ts'
import { type Checkpointer, type Checkpoints, chunkCount, createCheckpointer, treeRoot } from './hash-tree.ts'
import { invalidBundle } from './invalid-bundle.ts'
import {
  checkpointLength,
  checkpointsLength,
  checkpointsName,
  type Layout,
  manifestName,
  probeLength,
  type Slot,
  signatureName,
  signerName,
  toLayout
} from './layout.ts'
import { openParts, type PartsReader } from './parts.ts'
import { readAhead } from './read-ahead.ts'
import { readSignerPem } from './signing.ts'
import { blockSize, endLength, padded, readTarHeader, toTarHeader } from './tar-header.ts'

/** A bundle whose signature, order and length are right. Whether its signer is trusted, and what its files hold, is still to be looked at. */
export type Bundle = {
  readonly manifest: BundleManifest
  readonly parts: PartsReader
  /**
   * Every chunk of a file in its order, right up to and including the one that is answered. Throws `AppError('bundle_invalid')` at the first that is
   * wrong. `known`: what was checked before, chunk by chunk, and need not be read again. Buffers are those of `readAhead`.
   */
  chunks(file: BundleFile, signal: AbortSignal, known?: VerifiedStart): AsyncGenerator<{ index: number; start: number; chunk: Buffer }>
  checkpoints(file: BundleFile): Checkpoints
  [Symbol.asyncDispose](): Promise<void>
}

/** The first chunks of a file, which `checkpointer` has taken in. */
export type VerifiedStart = { count: number; checkpointer: Checkpointer }

const maxManifest = 4 * 1024 * 1024
const maxCheckpoints = 64 * 1024 * 1024

/** Reads and checks everything but the contents of files, and writes nothing. Throws `AppError('bundle_invalid')`. */
export async function openBundle(path: string): Promise<Bundle> {
  const parts = await openParts(path)
  try {
    const { manifest, bytes } = await readManifest(parts)
    checkContents(manifest)
    const layout = toLayout(manifest, bytes.length)
    await checkSignature(manifest, bytes, layout, parts)
    checkLengths(layout, parts)
    await checkProbes(manifest, layout, parts)
    await checkHeaders(layout, parts)
    const checkpoints = await readCheckpoints(manifest, layout, parts)
    const slots = new Map(layout.files.map((slot) => [slot.file, slot]))
    const slotOf = (file: BundleFile): Slot => slots.get(file) as Slot // a file of this manifest
    return {
      manifest,
      parts,
      chunks: (file, signal, known) => verifiedChunks({ parts, manifest, slot: slotOf(file), file, checkpoints: checkpoints(file), signal, known }),
      checkpoints,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]()
    }
  } catch (error) {
    await parts[Symbol.asyncDispose]()
    throw error
  }
}

async function* verifiedChunks(options: {
  parts: PartsReader
  manifest: BundleManifest
  slot: Slot
  file: BundleFile
  checkpoints: Checkpoints
  signal: AbortSignal
  known: VerifiedStart | undefined
}): AsyncGenerator<{ index: number; start: number; chunk: Buffer }> {
  const { parts, manifest, slot, file, checkpoints, signal } = options
  const { count, checkpointer } = options.known ?? { count: 0, checkpointer: createCheckpointer() }
  const read = (buffer: Uint8Array, position: number) => parts.read(buffer, slot.body + position)
  for await (const piece of readAhead({ size: file.size, chunkSize: manifest.chunkSize, from: count, read, signal })) {
    if (!checkpointer.accepts(piece.chunk, checkpoints[piece.index])) {
      throw invalidBundle(
        `${file.name} is damaged in the bundle: chunk ${piece.index + 1} of ${checkpoints.length}, in ${parts.placeOf(slot.body + piece.start)}. ` +
          'Copy the bundle again, at least that part; what was checked before is kept'
      )
    }
    yield piece
  }
}

async function readManifest(parts: PartsReader): Promise<{ manifest: BundleManifest; bytes: Buffer }> {
  const header = Buffer.alloc(blockSize)
  await parts.read(header, 0)
  const first = readTarHeader(header)
  if (first?.name !== manifestName) throw invalidBundle(`${parts.names[0]} does not begin like a bundle`)
  if (!(first.size <= maxManifest)) throw invalidBundle(`The manifest has ${first.size} bytes; ${maxManifest} are possible`)
  if (!header.equals(toTarHeader(manifestName, first.size))) throw misplaced(header, manifestName, parts.placeOf(0))
  const bytes = Buffer.alloc(first.size)
  await parts.read(bytes, blockSize)
  const value = fromCanonicalJson(bytes)
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > 1)
    throw invalidBundle(`The bundle has the format ${version}, and this Outpost reads 1: it was made by a newer one`)
  const parsed = BundleManifest.safeParse(value)
  if (parsed.success) return { manifest: parsed.data, bytes }
  const issue = parsed.error.issues[0]
  throw invalidBundle(`The bundle's manifest is wrong at ${issue?.path.map(String).join('.') || 'the top'}: ${issue?.message}`)
}

async function checkSignature(manifest: BundleManifest, bytes: Buffer, layout: Layout, parts: PartsReader): Promise<void> {
  for (const slot of layout.head) await checkHeader(slot, parts)
  if (manifest.signer === null) return
  const signature = await readSlot(layout, signatureName, parts)
  const signer = readSignerPem(await readSlot(layout, signerName, parts))
  if (signer?.fingerprint !== manifest.signer) throw invalidBundle(`The bundle has another key in it than its manifest says (${manifest.signer})`)
  if (!signer.verify(bytes, signature))
    throw invalidBundle(`The signature of the bundle is wrong: its manifest is not what ${manifest.signer} signed`)
}

function checkLengths(layout: Layout, parts: PartsReader): void {
  if (parts.sizes.length < layout.parts.length)
    throw invalidBundle(`The bundle has ${layout.parts.length} parts, and ${parts.sizes.length} are here: the last ones are missing`)
  if (parts.sizes.length > layout.parts.length)
    throw invalidBundle(
      `The bundle has ${layout.parts.length} parts, and ${parts.sizes.length} are here: ${parts.names[layout.parts.length]} is not one of them`
    )
  for (const [i, size] of layout.parts.entries()) {
    const found = parts.sizes[i] ?? 0
    if (found < size) throw invalidBundle(`${parts.names[i]} is cut short: it has ${found} of ${size} bytes`)
    if (found > size) throw invalidBundle(`${parts.names[i]} has ${found - size} bytes after the end of what belongs to it`)
  }
}

/** Parts that were renamed, or come from another bundle, are found by their beginning. */
async function checkProbes({ parts: split }: BundleManifest, layout: Layout, parts: PartsReader): Promise<void> {
  if (split === null) return
  if (split.probes.length !== layout.parts.length - 1) throw invalidBundle('The bundle contradicts itself in the number of its parts')
  let position = layout.parts[0] ?? 0
  const found: string[] = []
  for (const size of layout.parts.slice(1)) {
    const start = Buffer.alloc(Math.min(probeLength, size))
    await parts.read(start, position)
    found.push(createHash('sha256').update(start).digest('hex'))
    position += size
  }
  const wrong = found.findIndex((probe, i) => probe !== split.probes[i])
  if (wrong === -1) return
  const truly = split.probes.indexOf(found[wrong] ?? '')
  const is = truly === -1 ? 'belongs to another bundle, or its beginning is damaged' : `is part ${truly + 2}, and not part ${wrong + 2}`
  throw invalidBundle(`${parts.names[wrong + 1]} ${is}`)
}

/** Between the files of a bundle there is nothing but the headers that follow from the manifest. */
async function checkHeaders(layout: Layout, parts: PartsReader): Promise<void> {
  const slots: Slot[] = [...layout.head, ...layout.files]
  for (const [i, slot] of slots.entries()) {
    if (i >= layout.head.length) await checkHeader(slot, parts)
    const end = slot.body + slot.size
    await checkEmpty(end, slot.body + padded(slot.size) - end, parts)
  }
  await checkEmpty(layout.length - endLength, endLength, parts)
}

async function checkHeader(slot: Slot, parts: PartsReader): Promise<void> {
  const header = Buffer.alloc(blockSize)
  await parts.read(header, slot.start)
  if (!header.equals(toTarHeader(slot.name, slot.size))) throw misplaced(header, slot.name, parts.placeOf(slot.start))
}

async function checkEmpty(position: number, length: number, parts: PartsReader): Promise<void> {
  const bytes = Buffer.alloc(length)
  await parts.read(bytes, position)
  if (bytes.some((byte) => byte !== 0)) throw invalidBundle(`Something is hidden in ${parts.placeOf(position)}, where nothing belongs`)
}

async function readCheckpoints(manifest: BundleManifest, layout: Layout, parts: PartsReader): Promise<(file: BundleFile) => Checkpoints> {
  const length = checkpointsLength(manifest)
  if (length > maxCheckpoints) throw invalidBundle(`The bundle has ${length} bytes of checkpoints; ${maxCheckpoints} are possible`)
  const text = await readSlot(layout, checkpointsName, parts)
  const ranges = new Map<BundleFile, { start: number; end: number }>()
  let at = 0
  for (const file of manifest.files) {
    const end = at + chunkCount(file.size, manifest.chunkSize) * checkpointLength
    ranges.set(file, { start: at, end })
    at = end
  }
  const of = (file: BundleFile): Checkpoints => {
    const { start, end } = ranges.get(file) ?? { start: 0, end: 0 }
    return text.toString('latin1', start, end).split('\n').slice(0, -1)
  }
  for (const file of manifest.files) {
    const checkpoints = of(file)
    const isWhole = checkpoints.length === chunkCount(file.size, manifest.chunkSize) && checkpoints.every((line) => /^[0-9a-f]{64}$/.test(line))
    if (!isWhole || treeRoot(checkpoints) !== file.root) throw invalidBundle(`The checkpoints of ${file.name} are not those of the manifest`)
    if (checkpoints.at(-1) !== file.sha256) throw invalidBundle(`The bundle contradicts itself about the sha256 of ${file.name}`)
  }
  return of
}

async function readSlot(layout: Layout, name: string, parts: PartsReader): Promise<Buffer> {
  const slot = layout.head.find((one) => one.name === name)
  const bytes = Buffer.alloc(slot?.size ?? 0)
  if (slot !== undefined) await parts.read(bytes, slot.body)
  return bytes
}

function misplaced(header: Buffer, wanted: string, place: string): AppError {
  const found = readTarHeader(header)
  const is = found === undefined ? 'something else' : `${found.type} ${JSON.stringify(found.name)} of ${found.size} bytes`
  return invalidBundle(`The bundle has ${is} where ${wanted} belongs, in ${place}`)
}
