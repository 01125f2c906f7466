import type { CatalogueEntry, LocalModel, ModelFile, PinnedFile } from '#contracts/model.ts'
import { AppError, toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { describeFiles } from '../inspect/describe-files.ts'
import { refusePickles } from '../inspect/inspect.ts'
import type { SourceSettings } from '../sources/choose.ts'
import type { ModelStore } from '../store/store.ts'
import type { FileProgress, PullListener } from './pull-files.ts'
import { type PullLimits, usualLimits } from './pull-limits.ts'
import type { RateLimit } from './rate-limit.ts'
import { pullFilesInThread } from './start-pull-thread.ts'

export type PullProgress = FileProgress

export type PullOptions = Partial<PullListener> & {
  entry: CatalogueEntry
  store: ModelStore
  /** `Config` fits. */
  sources: SourceSettings
  /** Budgets of bytes a second it shares with other pulls. */
  rates?: RateLimit[]
  limits?: Partial<PullLimits>
  signal?: AbortSignal
  log: Log
}

/** Pulls that run in this process: the second that asks for the same model joins the first. */
type Running = { result: Promise<LocalModel>; controller: AbortController; listeners: Set<Partial<PullListener>>; callers: number }
const running = new Map<string, Running>()

/**
 * Brings the files of a model to this machine, from the first source that has them: sha256 always checked, resumed after any
 * interruption, once for all who ask at the same time (in this process or another). Nothing to do: ends at once.
 * It stops when `signal` is aborted, unless others wait for the same model.
 * Throws `AppError`: `weights_unavailable` with what each source answered, `disk_full`, `weights_corrupt`, `cancelled`.
 */
export async function pullModel(options: PullOptions): Promise<LocalModel> {
  const { entry, store, signal } = options
  const present = store.find(entry.id)
  if (present !== undefined) return present
  const key = `${store.folder}\n${entry.id}`
  // One that everybody left is still putting things in order.
  while (running.get(key)?.controller.signal.aborted === true) await running.get(key)?.result.catch(() => {})
  if (signal?.aborted === true) throw stopped(entry)
  const pull = running.get(key) ?? start(key, options)
  pull.callers++
  pull.listeners.add(options)
  const left = Promise.withResolvers<never>()
  let isCounted = true
  const uncount = () => {
    if (isCounted) pull.callers--
    isCounted = false
  }
  const leave = () => {
    uncount()
    // The last one waits until the pull has come to rest.
    if (pull.callers === 0) pull.controller.abort()
    else left.reject(stopped(entry))
  }
  signal?.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([pull.result, left.promise])
  } finally {
    signal?.removeEventListener('abort', leave)
    pull.listeners.delete(options)
    uncount()
  }
}

function start(key: string, options: PullOptions): Running {
  const controller = new AbortController()
  const listeners: Running['listeners'] = new Set()
  const toAll: PullListener = {
    onProgress(progress) {
      for (const listener of listeners) listener.onProgress?.(progress)
    },
    onFailure(failure) {
      options.log.info({ model: options.entry.id, ...failure }, 'source failed')
      for (const listener of listeners) listener.onFailure?.(failure)
    },
    onWarning(message) {
      options.log.warn({ model: options.entry.id }, message)
      for (const listener of listeners) listener.onWarning?.(message)
    }
  }
  const result = bring(options, controller.signal, toAll)
    .catch((error: unknown) => {
      throw controller.signal.aborted ? stopped(options.entry) : toAppError(error)
    })
    .finally(() => running.delete(key))
  // Every caller may have left by then.
  result.catch(() => {})
  const pull: Running = { result, controller, listeners, callers: 0 }
  running.set(key, pull)
  return pull
}

async function bring({ entry, store, sources, rates, limits, log }: PullOptions, signal: AbortSignal, listener: PullListener): Promise<LocalModel> {
  const files = withPins(entry.files, store.pins(entry.id))
  refusePickles(files)
  log.info({ model: entry.id, bytes: files.reduce((sum, file) => sum + (file.size ?? 0), 0) }, 'pull started')
  const order = { model: entry.id, files, folder: store.blobFolder, sources, limits: { ...usualLimits, ...limits }, rates: rates ?? [] }
  const pinned = await pullFilesInThread(order, listener, signal)
  for (const file of pinned) if (isNew(file, files)) listener.onWarning(firstUseText(file))
  const model = store.add(await describeFiles({ ...entry, files: pinned }, (file) => store.blobPath(file.sha256), signal))
  log.info({ model: entry.id }, 'pull ended')
  return model
}

/** What was pinned at the first pull holds, also when the file is gone since. */
function withPins(files: ModelFile[], pins: PinnedFile[]): ModelFile[] {
  return files.map((file) =>
    file.sha256 !== undefined ? file : (pins.find(({ name, firstUse }) => name === file.name && firstUse !== undefined) ?? file)
  )
}

function isNew(file: PinnedFile, before: ModelFile[]): boolean {
  return file.firstUse !== undefined && before.find(({ name }) => name === file.name)?.firstUse === undefined
}

function firstUseText({ name, sha256, firstUse }: PinnedFile): string {
  return `Nobody vouches for ${name}: it is trusted as ${firstUse?.source} sent it, and pinned to sha256 ${sha256}. Every later pull must bring the same.`
}

function stopped(entry: CatalogueEntry): AppError {
  return new AppError('cancelled', `The pull of ${entry.id} was stopped. What came so far is kept, and the next pull goes on from there.`)
}
