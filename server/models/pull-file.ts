import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ModelFile, PinnedFile } from '#contracts/model.ts'
import type { SourceFailure } from '#contracts/pull.ts'
import { AppError } from '../errors.ts'
import { fetchParts, SourceChanged } from './fetch-parts.ts'
import { isHeld, takeFileLock } from './file-lock.ts'
import { followHash, type HashFollower } from './follow-hash.ts'
import { checkFreeSpace, diskFull, isNoSpace } from './free-space.ts'
import { openPartialFile, type PartialFile, recallValidator, rememberValidator, type WritePieces } from './partial-file.ts'
import type { FileProgress } from './pull-files.ts'
import { blockBytes, sizeInJournal } from './pull-journal.ts'
import type { PullLimits } from './pull-limits.ts'
import type { RateLimit } from './rate-limit.ts'
import { HttpRefusal } from './sources/http-download.ts'
import type { Source, SourceRequest } from './sources/source.ts'

export type FilePull = {
  /** The model that needs it; with the file's name it says where an unfinished file without a known hash lies. */
  model: string
  file: ModelFile
  /** Folder of the blobs. */
  folder: string
  sources: Source[]
  limits: PullLimits
  rates: readonly RateLimit[]
  signal: AbortSignal
  onProgress(progress: FileProgress): void
  onFailure(failure: SourceFailure): void
  onWarning(message: string): void
  writePieces?: WritePieces
}

/** Blocks that the disk gave back otherwise than they were written, after which it is not trusted with more. */
const maxBadBlocks = 16
/** Times a source may change the file under our hands. */
const maxChanges = 2

export const blobName = (sha256: string) => `sha256-${sha256}`

/**
 * One file, by one process at a time. Ends with the whole, checked file under its hash, or throws and leaves only a `.partial` to go on from. What
 * nobody vouches for is pinned to what came. Throws `weights_unavailable`, `disk_full`, `weights_corrupt` (the disk).
 */
export async function pullFile(pull: FilePull): Promise<PinnedFile> {
  const { file, folder } = pull
  const base = join(folder, file.sha256 === undefined ? `unverified-${nameHash(pull)}` : blobName(file.sha256))
  const finished = asFinished(pull)
  if (finished !== undefined) return finished
  mkdirSync(folder, { recursive: true })
  using lock = await takeFileLock(`${base}.lock`, pull.signal, () => reportWaiting(pull, base))
  // Another process may have brought it while we waited.
  const brought = asFinished(pull)
  if (brought !== undefined) return brought
  const signal = AbortSignal.any([pull.signal, lock.lost])
  const scratch = `${base}.scratch`
  // Of a process that was killed.
  rmSync(scratch, { recursive: true, force: true })
  try {
    return await fromAnySource({ ...pull, signal }, base, scratch)
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
}

type Attempt = {
  pull: FilePull
  base: string
  scratch: string
  file: ModelFile & { size: number }
  partial: PartialFile
  /** Labels of the sources whose bytes are here; `earlier` for those of an earlier pull. */
  origins: Set<string>
  /** All of it was here once, and was not the file. */
  isWrong: boolean
}

async function fromAnySource(pull: FilePull, base: string, scratch: string): Promise<PinnedFile> {
  const failures: SourceFailure[] = []
  const fail = (source: string, reason: string) => {
    const failure = { file: pull.file.name, source, reason }
    failures.push(failure)
    pull.onFailure(failure)
  }
  let attempt: Attempt | undefined
  try {
    const wrong: Source[] = []
    for (const [index, source] of pull.sources.entries()) {
      try {
        attempt ??= await begin(pull, source, base, scratch)
        return await fromSource(attempt, source, { isLast: index === pull.sources.length - 1 })
      } catch (error) {
        pull.signal.throwIfAborted()
        if (isNoSpace(error)) throw diskFull(pull.folder, restOf(attempt, pull), undefined, pull.file.name, error)
        if (error instanceof AppError) throw error
        if (error instanceof WrongBytes) wrong.push(source)
        fail(source.label, (error as Error).message)
      }
    }
    // Nobody else can say which part is wrong: what one source sends twice in the same way is its file, anything else was an accident on the way.
    for (const source of attempt?.isWrong === true ? wrong : []) {
      try {
        return await fromSource(attempt as Attempt, source, { isLast: true }) // Its `isWrong` was just seen.
      } catch (error) {
        pull.signal.throwIfAborted()
        if (isNoSpace(error)) throw diskFull(pull.folder, restOf(attempt, pull), undefined, pull.file.name, error)
        if (error instanceof AppError) throw error
      }
    }
    if (attempt?.isWrong === true && attempt.partial.missing().length === 0) attempt.partial.remove()
    throw unavailable(pull.file, failures)
  } finally {
    attempt?.partial.close()
  }
}

/** Opens what is here of the file, once its size is known, and sees that there is room for the rest. */
async function begin(pull: FilePull, source: Source, base: string, scratch: string): Promise<Attempt> {
  const { folder, signal, file: wanted } = pull
  const size = wanted.size ?? sizeInJournal(`${base}.partial.journal`) ?? (await askSize(pull, source, scratch))
  const file = { ...wanted, size }
  // One at a time, so that two do not both count on the same room.
  using _room = await takeFileLock(join(folder, 'room.lock'), signal)
  const needed = size - bytesOnDisk(`${base}.partial`) + source.scratchBytes(file)
  await checkFreeSpace(folder, needed + promisedBytes(folder, base), file.name)
  const partial = openPartialFile(base, size, pull.writePieces)
  return { pull, base, scratch, file, partial, origins: new Set(partial.journal.total() > 0 ? ['earlier'] : []), isWrong: false }
}

/** What other pulls that run now still have to write into the folder. */
function promisedBytes(folder: string, base: string): number {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.partial.journal'))
    .map((name) => join(folder, name.slice(0, -'.partial.journal'.length)))
    .filter((other) => other !== base && isHeld(`${other}.lock`))
    .reduce((sum, other) => sum + Math.max(0, (sizeInJournal(`${other}.partial.journal`) ?? 0) - bytesOnDisk(`${other}.partial`)), 0)
}

/** Parts that did not come yet take no room. */
function bytesOnDisk(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 0 : Math.min(stat.size, stat.blocks * 512)
}

async function fromSource(attempt: Attempt, source: Source, { isLast }: { isLast: boolean }): Promise<PinnedFile> {
  const { pull, base, file, partial, origins } = attempt
  const { journal } = partial
  const follow = () => followHash({ path: partial.path, size: file.size, records: journal.records })
  let hash: HashFollower | undefined
  const again = async () => {
    await hash?.[Symbol.asyncDispose]()
    hash = undefined
    origins.clear()
  }
  let shown = 0
  const report = (received: number) => {
    shown = Math.max(shown, Math.min(received, file.size))
    pull.onProgress({ file: file.name, source: source.label, received: shown, total: file.size })
    hash?.advance(journal.frontier())
  }
  const fetch = () =>
    fetchParts({
      source,
      file,
      partial,
      validator: recallValidator(base, source.label),
      onValidator: (validator) => rememberValidator(base, source.label, validator),
      scratch: attempt.scratch,
      limits: pull.limits,
      rates: pull.rates,
      signal: pull.signal,
      onProgress: report,
      // Each look at the whole costs as much as reading it, so there is one after 1, 2, 4, 8 … wrong parts.
      isEnough: () => attempt.isWrong && partial.changed() >= looks
    })
  let pauses = 0
  let hasBrought = false
  let changes = 0
  let badBlocks = 0
  let looks = 1
  if (attempt.isWrong) {
    if (!origins.has(source.label)) pull.onWarning(`${file.name} is not what it should be; ${source.label} is asked for the parts that are wrong`)
    partial.suspect()
    await again()
  }
  try {
    for (;;) {
      // What is fetched anew is hashed when it is whole: the old bytes lie there until then.
      if (!attempt.isWrong) hash ??= follow()
      report(journal.total())
      const before = journal.total()
      try {
        if (partial.missing().length > 0) {
          origins.add(source.label)
          await fetch()
        }
      } catch (error) {
        if (error instanceof SourceChanged && ++changes <= maxChanges) {
          await again()
          partial.reset()
          attempt.isWrong = false
          continue
        }
        if (journal.total() > before) {
          hasBrought = true
          pauses = 0
        }
        const pause = pull.limits.pausesMs[pauses++]
        // Only a source that did bring something is waited for, and only when there is no other.
        if (!isLast || !hasBrought || pause === undefined || !mayComeBack(error)) throw error
        await wait(pause, undefined, { signal: pull.signal })
        continue
      }
      if (attempt.isWrong && partial.missing().length > 0) {
        looks *= 2
        if (await isRight(attempt)) return finish(attempt, file.sha256 ?? '', source)
        continue
      }
      hash ??= follow()
      const result = await hash.finish()
      if ('bad' in result) {
        if (++badBlocks > maxBadBlocks) throw brokenDisk(pull)
        pull.onWarning(`${file.name}: the disk gave back other bytes than came for the part at ${result.bad * blockBytes}; it is fetched again`)
        journal.set(result.bad, 0, 0)
        continue
      }
      if (file.sha256 === undefined || result.sha256 === file.sha256) return finish(attempt, result.sha256, source)
      const isMixed = [...origins].some((label) => label !== source.label)
      attempt.isWrong = true
      if (!isMixed) throw new WrongBytes(`sent a wrong file: sha256 ${result.sha256}, ${vouching(file)} ${file.sha256}`)
      // The fault may lie in a part that came from elsewhere: what this source has of it decides.
      await again()
      partial.suspect()
    }
  } finally {
    await hash?.[Symbol.asyncDispose]()
  }
}

function finish({ pull, file, partial }: Attempt, sha256: string, source: Source): PinnedFile {
  partial.finish(join(pull.folder, blobName(sha256)))
  return pinned(file, sha256, source)
}

function pinned(file: ModelFile & { size: number }, sha256: string, source: Source): PinnedFile {
  if (file.sha256 !== undefined) return { ...file, sha256 }
  return { ...file, sha256, firstUse: { at: Date.now(), source: source.label } }
}

/** Whether what lies on the disk now is the file, whatever the journal says of its parts. */
async function isRight({ file, partial }: Attempt): Promise<boolean> {
  await using hash = followHash({ path: partial.path, size: file.size, records: undefined })
  const result = await hash.finish()
  return 'sha256' in result && result.sha256 === file.sha256
}

/** What came is not the file, and of no use to anybody. */
class WrongBytes extends Error {
  override readonly name = 'WrongBytes'
}

/** The first reply of a source says how long a file is of which nothing is known. */
async function askSize(pull: FilePull, source: Source, scratch: string): Promise<number> {
  mkdirSync(scratch, { recursive: true })
  const stop = new AbortController()
  const request: SourceRequest = {
    file: pull.file,
    from: 0,
    to: undefined,
    validator: undefined,
    scratch,
    signal: AbortSignal.any([pull.signal, stop.signal]),
    stallMs: pull.limits.stallMs,
    onProgress: () => {}
  }
  const reply = await source.open(request)
  await reply.bytes[Symbol.asyncIterator]().return?.()
  stop.abort()
  if (reply.size === undefined) throw new Error('does not say how long the file is')
  if (reply.size === 0) throw new Error('has an empty file')
  return reply.size
}

/** The file, when it is here and known by its hash. */
function asFinished({ file, folder }: FilePull): PinnedFile | undefined {
  if (file.sha256 === undefined) return undefined
  const size = statSync(join(folder, blobName(file.sha256)), { throwIfNoEntry: false })?.size
  return size !== undefined && (file.size === undefined || file.size === size) ? { ...file, size, sha256: file.sha256 } : undefined
}

function nameHash({ model, file }: FilePull): string {
  return createHash('sha256')
    .update(JSON.stringify([model, file.name, file.sources]))
    .digest('hex')
    .slice(0, 32)
}

function reportWaiting({ file, onProgress }: FilePull, base: string): void {
  const received = statSync(`${base}.partial`, { throwIfNoEntry: false })?.size
  if (received === undefined) return
  onProgress({ file: file.name, source: null, received: Math.min(received, file.size ?? received), total: file.size ?? 0 })
}

function restOf(attempt: Attempt | undefined, { file }: FilePull): number {
  return attempt === undefined ? (file.size ?? 0) : attempt.file.size - attempt.partial.journal.total()
}

/** Nothing answers, or someone else does in its place; as opposed to an answer that will be the same next time. */
function mayComeBack(error: unknown): boolean {
  if (error instanceof HttpRefusal) return error.status >= 500 || error.status === 429
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  return code !== undefined || /^(ended after|sent nothing|aborted)/.test((error as Error).message)
}

function vouching({ firstUse }: ModelFile): string {
  return firstUse === undefined ? 'the catalogue says' : `at its first pull ${firstUse.source} had`
}

function brokenDisk({ folder, file }: FilePull): AppError {
  return new AppError(
    'weights_corrupt',
    `The disk of ${folder} gives back other bytes than were written to it while ${file.name} is fetched. Check the disk and the memory of this machine.`
  )
}

function unavailable(file: ModelFile, failures: SourceFailure[]): AppError {
  const tried =
    failures.length === 0 ? 'the catalogue names no source for it' : failures.map(({ source, reason }) => `${source}: ${reason}`).join('; ')
  return new AppError(
    'weights_unavailable',
    `${file.name} could not be had: ${tried}. Put the file into a folder and set OUTPOST_MIRRORS to that folder.`
  )
}
