import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ModelFile, PinnedFile } from '#contracts/model.ts'
import type { SourceFailure } from '#contracts/pull.ts'
import { AppError } from '../../errors.ts'
import { HttpRefusal } from '../sources/http-download.ts'
import type { Source } from '../sources/source.ts'
import { blobName } from '../store/store-files.ts'
import { fetchParts, SourceChanged } from './fetch-parts.ts'
import { followHash, type HashFollower } from './follow-hash.ts'
import { type PartialFile, recallValidator, rememberValidator, type WritePieces } from './partial-file.ts'
import type { FileProgress } from './pull-files.ts'
import { blockBytes } from './pull-journal.ts'
import type { PullLimits } from './pull-limits.ts'
import type { RateLimit } from './rate-limit.ts'

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

/** A file on its way, over all sources that are asked for it. */
export type PullAttempt = {
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

/** Blocks that the disk gave back otherwise than they were written, after which it is not trusted with more. */
const maxBadBlocks = 16
/** Times a source may change the file under our hands. */
const maxChanges = 2

/**
 * Gets what is missing from one source, and what is wrong when all was here once. Returns the finished file, or throws what the source answered:
 * `WrongBytes` when it was the wrong file.
 */
export async function pullFromSource(attempt: PullAttempt, source: Source, { isLast }: { isLast: boolean }): Promise<PinnedFile> {
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

function finish({ pull, file, partial }: PullAttempt, sha256: string, source: Source): PinnedFile {
  partial.finish(join(pull.folder, blobName(sha256)))
  return pinned(file, sha256, source)
}

function pinned(file: ModelFile & { size: number }, sha256: string, source: Source): PinnedFile {
  if (file.sha256 !== undefined) return { ...file, sha256 }
  return { ...file, sha256, firstUse: { at: Date.now(), source: source.label } }
}

/** Whether what lies on the disk now is the file, whatever the journal says of its parts. */
async function isRight({ file, partial }: PullAttempt): Promise<boolean> {
  await using hash = followHash({ path: partial.path, size: file.size, records: undefined })
  const result = await hash.finish()
  return 'sha256' in result && result.sha256 === file.sha256
}

/** What came is not the file, and of no use to anybody. */
export class WrongBytes extends Error {
  override readonly name = 'WrongBytes'
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
