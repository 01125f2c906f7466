import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelFile, PinnedFile } from '#contracts/model.ts'
import type { SourceFailure } from '#contracts/pull.ts'
import { AppError } from '../../errors.ts'
import { isHeld, takeFileLock } from '../file-lock.ts'
import { checkFreeSpace, diskFull, isNoSpace } from '../free-space.ts'
import type { Source, SourceRequest } from '../sources/source.ts'
import { blobName } from '../store/store-files.ts'
import { openPartialFile } from './partial-file.ts'
import { type FilePull, type PullAttempt, pullFromSource, WrongBytes } from './pull-from-source.ts'
import { sizeInJournal } from './pull-journal.ts'

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

async function fromAnySource(pull: FilePull, base: string, scratch: string): Promise<PinnedFile> {
  const failures: SourceFailure[] = []
  const fail = (source: string, reason: string) => {
    const failure = { file: pull.file.name, source, reason }
    failures.push(failure)
    pull.onFailure(failure)
  }
  let attempt: PullAttempt | undefined
  try {
    const wrong: Source[] = []
    for (const [index, source] of pull.sources.entries()) {
      try {
        attempt ??= await begin(pull, source, base, scratch)
        return await pullFromSource(attempt, source, { isLast: index === pull.sources.length - 1 })
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
        return await pullFromSource(attempt as PullAttempt, source, { isLast: true }) // Its `isWrong` was just seen.
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
async function begin(pull: FilePull, source: Source, base: string, scratch: string): Promise<PullAttempt> {
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

/** The first reply of a source says how long a file is of which nothing is known. */
async function askSize(pull: FilePull, source: Source, scratch: string): Promise<number> {
  const stop = new AbortController()
  const request: SourceRequest = {
    file: pull.file,
    from: 0,
    to: undefined,
    validator: undefined,
    scratch() {
      mkdirSync(scratch, { recursive: true })
      return scratch
    },
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

function restOf(attempt: PullAttempt | undefined, { file }: FilePull): number {
  return attempt === undefined ? (file.size ?? 0) : attempt.file.size - attempt.partial.journal.total()
}

function unavailable(file: ModelFile, failures: SourceFailure[]): AppError {
  const tried =
    failures.length === 0 ? 'the catalogue names no source for it' : failures.map(({ source, reason }) => `${source}: ${reason}`).join('; ')
  return new AppError(
    'weights_unavailable',
    `${file.name} could not be had: ${tried}. Put the file into a folder and set OUTPOST_MIRRORS to that folder.`
  )
}
