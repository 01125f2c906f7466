import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../../errors.ts'
import { isNoSpace } from '../free-space.ts'
import { stalled } from '../sources/http-download.ts'
import type { Source, SourceReply, WantedFile } from '../sources/source.ts'
import type { PartialFile } from './partial-file.ts'
import type { PullLimits } from './pull-limits.ts'
import { type RateLimit, spend } from './rate-limit.ts'

export type PartFetch = {
  source: Source
  file: WantedFile & { size: number }
  partial: PartialFile
  /** What the source called the version of the file whose bytes are here. */
  validator: string | undefined
  onValidator(validator: string | undefined): void
  /** An empty place for what a source needs for itself. */
  scratch: string
  limits: PullLimits
  rates: readonly RateLimit[]
  signal: AbortSignal
  /** Bytes that are here now, or that the source has in hand. */
  onProgress(received: number): void
  /** Asked when a block turned out to be other bytes than before. True: enough, look at the whole. */
  isEnough?: () => boolean
}

/** The source has another file now than when the first bytes came: what is here is of no use. */
export class SourceChanged extends Error {
  override readonly name = 'SourceChanged'
}

/** Broken connections in a row of one source, each of which brought something. */
const maxBreaks = 50
/** Written at once: bytes that a killed process loses, for each connection. */
const flushBytes = 256 * 1024
const flushMs = 5

type Part = { from: number; to: number }
type Run = {
  fetch: PartFetch
  waiting: Part[]
  lanes: Set<Promise<void>>
  quit: AbortController
  failure: unknown
  breaks: number
  isDone: boolean
  validator: string | undefined
  isNoted: boolean
}

/**
 * Gets what is missing of a file from one source: in parts and over several connections where the source gives parts, else in one stream. A
 * connection that breaks is taken up again as long as each try brings something. Throws what the source answered when it has no more to give,
 * `SourceChanged`, and what the disk says.
 */
export async function fetchParts(fetch: PartFetch): Promise<void> {
  const run: Run = {
    fetch,
    waiting: fetch.partial.missing(),
    lanes: new Set(),
    quit: new AbortController(),
    failure: undefined,
    breaks: 0,
    isDone: false,
    validator: fetch.validator,
    isNoted: false
  }
  startLane(run)
  // A lane may have started others meanwhile.
  while (run.lanes.size > 0) await Promise.race(run.lanes)
  if (run.failure !== undefined) throw run.failure
}

function startLane(run: Run): void {
  const lane = runLane(run)
    .catch((error: unknown) => {
      run.failure ??= error
      run.quit.abort()
    })
    .finally(() => run.lanes.delete(lane))
  run.lanes.add(lane)
}

async function runLane(run: Run): Promise<void> {
  const { fetch, quit } = run
  const signal = AbortSignal.any([fetch.signal, quit.signal])
  for (;;) {
    const part = run.isDone ? undefined : take(run)
    if (part === undefined) return
    const gain = { bytes: 0 }
    try {
      await fetchPart(run, part, gain, signal)
    } catch (error) {
      if (fetch.signal.aborted || isNoSpace(error) || error instanceof AppError || error instanceof SourceChanged) throw error
      if (quit.signal.aborted) return
      if (part.from < part.to) run.waiting.unshift(part)
      // One connection too many: the others bring the rest.
      if (gain.bytes === 0 && run.lanes.size > 1) return
      if (gain.bytes === 0 || ++run.breaks > maxBreaks) throw error
    }
  }
}

/** The lowest part that waits, so that the beginning of the file is whole as early as can be. */
function take({ waiting, fetch }: Run): Part | undefined {
  waiting.sort((a, b) => a.from - b.from)
  const next = waiting.shift()
  if (next === undefined) return undefined
  const { partBytes, connections } = fetch.limits
  if (connections === 1) return next
  // Parts end where those of every other pull end too.
  const end = (Math.floor(next.from / partBytes) + 1) * partBytes
  if (end >= next.to) return next
  waiting.unshift({ from: end, to: next.to })
  return { from: next.from, to: end }
}

/** `part.from` goes along with what came; `gain` counts what was not here before. */
async function fetchPart(run: Run, part: Part, gain: { bytes: number }, signal: AbortSignal): Promise<void> {
  const { source, file, limits, scratch, onProgress } = run.fetch
  const reply = await source.open({
    file,
    from: part.from,
    to: part.to === file.size ? undefined : part.to,
    validator: run.validator,
    // A folder of its own for each call: what a killed process left running may still write into the old one.
    scratch() {
      mkdirSync(scratch, { recursive: true })
      return mkdtempSync(join(scratch, 'x-'))
    },
    signal,
    stallMs: limits.stallMs,
    onProgress
  })
  const iterator = reply.bytes[Symbol.asyncIterator]()
  try {
    checkReply(run, part, reply)
    if (reply.isParallel === true) for (let lanes = run.lanes.size; lanes < limits.connections && run.waiting.length > 0; lanes++) startLane(run)
    await receive(run, part, reply, iterator, gain, signal)
  } finally {
    await iterator.return?.()
  }
}

/** What the reply says of itself, held against what is known. */
function checkReply(run: Run, part: Part, reply: SourceReply): void {
  const { partial, file, onValidator } = run.fetch
  if (reply.size !== undefined && reply.size !== file.size) throw new Error(`has a file of ${reply.size} bytes, the catalogue says ${file.size}`)
  const isOther = reply.validator !== run.validator && (reply.isWhole === true || reply.validator !== undefined)
  const hasChanged = run.validator !== undefined && isOther
  if (hasChanged && (run.lanes.size > 1 || reply.isWhole !== true)) throw changed()
  if (reply.isWhole === true) {
    if (run.lanes.size > 1) throw new Error('sends the whole file where a part was asked for')
    if (hasChanged) partial.reset()
    // All of it comes now, in this one stream.
    run.waiting.length = 0
    part.from = 0
    part.to = file.size
  }
  const validator = reply.validator ?? (hasChanged ? undefined : run.validator)
  // Each note is a file written anew, which a busy disk takes its time for.
  if (validator !== run.validator || !run.isNoted) onValidator(validator)
  run.validator = validator
  run.isNoted = true
}

function changed(): SourceChanged {
  return new SourceChanged('has another version of the file now than when the pull began')
}

async function receive(
  run: Run,
  part: Part,
  { bytes }: SourceReply,
  iterator: AsyncIterator<Uint8Array>,
  gain: { bytes: number },
  signal: AbortSignal
): Promise<void> {
  const { partial, limits, rates, onProgress, isEnough } = run.fetch
  const asked = part.to - part.from
  let pieces: Uint8Array[] = []
  let held = 0
  let problem: unknown
  const flush = () => {
    if (held === 0) return
    const [now, length] = [pieces, held]
    pieces = []
    held = 0
    gain.bytes += partial.accept(part.from, now)
    part.from += length
    onProgress(partial.journal.total())
  }
  // What ends it is thrown by its iterator, unless nobody waits there any more.
  if (bytes instanceof Readable) bytes.on('error', () => {})
  const giveUp = (reason: unknown) => {
    problem = reason
    if (bytes instanceof Readable) bytes.destroy()
  }
  const stall = setTimeout(() => giveUp(stalled(limits.stallMs)), limits.stallMs)
  // What came is on the disk soon, also when nothing follows.
  const flushSoon = setTimeout(() => {
    try {
      flush()
    } catch (error) {
      giveUp(error)
    }
  }, flushMs)
  try {
    for (;;) {
      const next = await iterator.next()
      signal.throwIfAborted()
      if (problem !== undefined) throw problem
      if (next.done === true) break
      stall.refresh()
      const room = part.to - part.from - held
      pieces.push(next.value.length > room ? next.value.subarray(0, room) : next.value)
      held += Math.min(room, next.value.length)
      if (held >= flushBytes) flush()
      else flushSoon.refresh()
      if (next.value.length > room) throw new Error(`sent more than the ${asked} bytes that were asked for`)
      if (isEnough?.() === true) {
        run.isDone = true
        run.quit.abort()
        return
      }
      if (rates.length > 0) {
        await spend(rates, next.value.length, signal)
        stall.refresh()
      }
    }
  } catch (error) {
    throw problem ?? error
  } finally {
    clearTimeout(stall)
    clearTimeout(flushSoon)
    // A broken connection takes nothing with it that had come, unless it is the disk that fails.
    if (!isNoSpace(problem)) flush()
  }
  if (part.from < part.to) throw new Error(`ended after ${part.from} of ${part.to} bytes`)
}
