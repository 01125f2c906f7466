import type { PinnedFile } from '#contracts/model.ts'

/** What a source is asked for. */
export type SourceRequest = {
  file: PinnedFile
  /** Bytes that are here already; a source that cannot go on from there starts at 0 and says so. */
  from: number
  /** What this same source answered as `validator` when those bytes came. */
  validator: string | undefined
  /** An empty folder on the disk of the weights, for this call alone; its maker removes it. */
  scratch: string
  signal: AbortSignal
  /** Bytes fetched so far, from a source that has work to do before the first byte of the file comes. */
  onProgress: (received: number) => void
}

export type SourceReply = {
  /** Where in the file `bytes` begins: `from`, or 0. */
  start: number
  /** Tells this version of the file from others (a strong ETag). */
  validator?: string | undefined
  bytes: AsyncIterable<Uint8Array>
}

/** A place that may have a file. What it sends is held against size and sha256 by the caller, whatever it is. */
export type Source = {
  /** For messages; without credentials. */
  readonly label: string
  /** Bytes of disk it takes for itself while it works. */
  scratchBytes(file: PinnedFile): number
  /** Throws an `Error` whose message says what the source answered, in words that follow its label. */
  open(request: SourceRequest): Promise<SourceReply>
}

export const noScratch = () => 0

/** A source that is not asked, and why. */
export function refusedSource(label: string, reason: string): Source {
  return { label, scratchBytes: noScratch, open: () => Promise.reject(new Error(reason)) }
}
