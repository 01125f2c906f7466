import type { ModelFile, PinnedFile } from '#contracts/model.ts'
import type { SourceFailure } from '#contracts/pull.ts'
import { chooseSources, type SourceSettings } from '../sources/choose.ts'
import { pullFile } from './pull-file.ts'
import type { FilePull } from './pull-from-source.ts'
import type { PullLimits } from './pull-limits.ts'
import type { RateLimit } from './rate-limit.ts'

/** A pull in plain data, so that a thread can be told it. */
export type FilesOrder = {
  model: string
  files: ModelFile[]
  /** Folder of the blobs. */
  folder: string
  sources: SourceSettings
  limits: PullLimits
  rates: RateLimit[]
}

/** Bytes of one file; `total` is 0 as long as nobody has said how many there are, `source` null while another process fetches it. */
export type FileProgress = { file: string; source: string | null; received: number; total: number }

export type PullListener = {
  onProgress(progress: FileProgress): void
  onFailure(failure: SourceFailure): void
  onWarning(message: string): void
}

/** The files of one model, one after the other: several at once would only share the line. */
export async function pullFiles(
  order: FilesOrder,
  listener: PullListener,
  signal: AbortSignal,
  more: Pick<FilePull, 'writePieces'> = {}
): Promise<PinnedFile[]> {
  const pinned: PinnedFile[] = []
  for (const file of order.files) {
    const { model, folder, limits, rates } = order
    pinned.push(await pullFile({ model, file, folder, limits, rates, signal, sources: chooseSources(file, order.sources), ...listener, ...more }))
  }
  return pinned
}
