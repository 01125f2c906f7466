import type { ModelFile } from '#contracts/model.ts'

/** What is known of the file that is asked for. */
export type WantedFile = Pick<ModelFile, 'name' | 'size' | 'sha256'>

/** What a source is asked for. */
export type SourceRequest = {
  file: WantedFile
  /** First byte wanted; a source that cannot begin there starts at 0 and says so. */
  from: number
  /** One after the last byte wanted; undefined: to the end. */
  to?: number | undefined
  /** What this same source answered as `validator` when the bytes before came. */
  validator: string | undefined
  /** Makes an empty folder on the disk of the weights, for this call alone; its maker removes it. */
  scratch(): string
  signal: AbortSignal
  /** Milliseconds after which a connection that says nothing is given up. */
  stallMs: number
  /** Bytes fetched so far, from a source that has work to do before the first byte of the file comes. */
  onProgress: (received: number) => void
}

export type SourceReply = {
  /** Where in the file `bytes` begins: `from`, or 0. */
  start: number
  /** It is the whole file, whatever was asked for. */
  isWhole?: boolean
  /** Other parts can be had at the same time. */
  isParallel?: boolean
  /** Of the whole file. */
  size?: number | undefined
  /** What the source itself says the sha256 of the whole file is. */
  sha256?: string | undefined
  /** Tells this version of the file from others (a strong ETag). */
  validator?: string | undefined
  bytes: AsyncIterable<Uint8Array>
}

/** A place that may have a file. What it sends is held against size and sha256 by the caller, whatever it is. */
export type Source = {
  /** For messages; without credentials. */
  readonly label: string
  /** Bytes of disk it takes for itself while it works. */
  scratchBytes(file: WantedFile): number
  /** Throws an `Error` whose message says what the source answered, in words that follow its label. */
  open(request: SourceRequest): Promise<SourceReply>
}

export const noScratch = () => 0

/** A source that is not asked, and why. */
export function refusedSource(label: string, reason: string): Source {
  return { label, scratchBytes: noScratch, open: () => Promise.reject(new Error(reason)) }
}
