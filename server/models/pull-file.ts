import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { PinnedFile } from '#contracts/model.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { takeFileLock } from './file-lock.ts'
import { checkFreeSpace, diskFull, isNoSpace } from './free-space.ts'
import { openPartialFile, type PartialFile, recallValidator, rememberValidator } from './partial-file.ts'
import type { Source } from './sources/source.ts'

/** Broken connections in a row of one source. The first is taken up again at once, later ones after a pause that grows to 5 s. */
const maxBreaks = 50

export type FilePull = {
  file: PinnedFile
  /** Where it shall lie: the blob. */
  path: string
  sources: Source[]
  signal: AbortSignal
  onProgress: (progress: { file: string; received: number; total: number }) => void
  log: Log
}

/** One file, by one process at a time. Ends with the whole, checked file at `path`, or throws and leaves only a `.partial` to go on from. */
export async function pullFile(pull: FilePull): Promise<void> {
  const { file, path } = pull
  if (isComplete(path, file.size)) return
  mkdirSync(dirname(path), { recursive: true })
  using lock = await takeFileLock(`${path}.lock`, pull.signal, () => reportWaiting(pull))
  // Another process may have brought it while we waited.
  if (isComplete(path, file.size)) return
  const signal = AbortSignal.any([pull.signal, lock.lost])
  await using partial = await openPartialFile(path, file.size, signal)
  const answers: string[] = []
  const scratch = `${path}.scratch`
  // Of a process that was killed.
  rmSync(scratch, { recursive: true, force: true })
  for (const source of pull.sources) {
    try {
      await checkFreeSpace(dirname(path), file.size - partial.length() + source.scratchBytes(file), file.name)
      await fetchFrom(source, { ...pull, signal }, partial, scratch)
      await partial.finish()
      return
    } catch (error) {
      signal.throwIfAborted()
      if (isNoSpace(error)) throw diskFull(dirname(path), file.size - partial.length(), undefined, file.name, error)
      if (error instanceof AppError) throw error
      answers.push(`${source.label}: ${(error as Error).message}`)
      pull.log.info({ file: file.name, source: source.label, reason: (error as Error).message }, 'source failed')
    } finally {
      rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
    }
  }
  throw unavailable(file, answers)
}

/** Gets the rest of a file from one source. A broken connection is taken up again as long as each try brings something. */
async function fetchFrom(source: Source, pull: FilePull, partial: PartialFile, scratch: string): Promise<void> {
  const { file, path, signal } = pull
  let shown = partial.length()
  const report = (received: number) => {
    shown = Math.max(shown, Math.min(received, file.size))
    pull.onProgress({ file: file.name, received: shown, total: file.size })
  }
  let mayBeMixed = partial.length() > 0
  let breaks = 0
  for (;;) {
    const before = partial.length()
    try {
      if (before < file.size) {
        mkdirSync(scratch, { recursive: true })
        // A folder of its own for each call: what a killed process left running may still write into the old one.
        const request = { file, from: before, validator: recallValidator(path, source.label), scratch: mkdtempSync(join(scratch, 'x-')), signal }
        const reply = await source.open({ ...request, onProgress: report })
        if (reply.start !== before) await partial.reset()
        if (reply.start === 0) mayBeMixed = false
        rememberValidator(path, source.label, reply.validator)
        for await (const chunk of reply.bytes) {
          signal.throwIfAborted()
          if (partial.length() + chunk.length > file.size) throw new WrongBytes(`sent more than the ${file.size} bytes of the catalogue`)
          await partial.write(chunk)
          report(partial.length())
        }
        if (partial.length() < file.size) throw new Error(`ended after ${partial.length()} of ${file.size} bytes`)
      }
      const sha256 = partial.sha256()
      if (sha256 !== file.sha256) throw new WrongBytes(`sent a wrong file: sha256 ${sha256}, the catalogue says ${file.sha256}`)
      return
    } catch (error) {
      if (signal.aborted || isNoSpace(error)) throw error
      if (error instanceof WrongBytes) {
        await partial.reset()
        // The fault may lie in the first part, which came from elsewhere: one try with this source alone.
        if (!mayBeMixed) throw error
        mayBeMixed = false
        continue
      }
      if (partial.length() <= before || ++breaks > maxBreaks) throw error
      pull.log.debug(
        { file: file.name, source: source.label, received: partial.length(), reason: (error as Error).message },
        'going on after a break'
      )
    }
  }
}

/** What came is not the file, and of no use to anybody. */
class WrongBytes extends Error {
  override readonly name = 'WrongBytes'
}

function isComplete(path: string, size: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === size
}

function reportWaiting({ file, path, onProgress }: FilePull): void {
  const received = statSync(`${path}.partial`, { throwIfNoEntry: false })?.size
  if (received !== undefined) onProgress({ file: file.name, received: Math.min(received, file.size), total: file.size })
}

function unavailable(file: PinnedFile, answers: string[]): AppError {
  const tried = answers.length === 0 ? 'the catalogue names no source for it' : answers.join('; ')
  return new AppError(
    'weights_unavailable',
    `${file.name} could not be had: ${tried}. Put the file into a folder and set OUTPOST_MIRRORS to that folder.`
  )
}
