import type { CatalogueEntry, LocalModel } from '#contracts/model.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { inspectWeights, refusePickles } from './inspect.ts'
import { pullFile } from './pull-file.ts'
import { chooseSources, type SourceSettings } from './sources/choose.ts'
import type { ModelStore } from './store.ts'

/** Bytes of one file. */
export type PullProgress = { file: string; received: number; total: number }

export type PullOptions = {
  entry: CatalogueEntry
  store: ModelStore
  /** `Config` fits. */
  sources: SourceSettings
  signal?: AbortSignal
  onProgress?: (progress: PullProgress) => void
  log: Log
}

/** Pulls that run in this process: the second that asks for the same model joins the first. */
type Running = { result: Promise<LocalModel>; controller: AbortController; listeners: Set<(progress: PullProgress) => void>; callers: number }
const running = new Map<string, Running>()

/**
 * Brings the files of a model to this machine, from the first source that has them: sha256 always checked, resumed after any
 * interruption, once for all who ask at the same time (in this process or another). Nothing to do: ends at once.
 * It stops when `signal` is aborted, unless others wait for the same model.
 * Throws `AppError`: `weights_unavailable` with what each source answered, `disk_full`, `weights_corrupt`, `cancelled`.
 */
export async function pullModel(options: PullOptions): Promise<LocalModel> {
  const { entry, store, signal, onProgress } = options
  const present = store.find(entry.id)
  if (present !== undefined) return present
  const key = `${store.folder}\n${entry.id}`
  // One that everybody left is still putting things in order.
  while (running.get(key)?.controller.signal.aborted === true) await running.get(key)?.result.catch(() => {})
  if (signal?.aborted === true) throw stopped(entry)
  const pull = running.get(key) ?? start(key, options)
  pull.callers++
  if (onProgress !== undefined) pull.listeners.add(onProgress)
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
    if (onProgress !== undefined) pull.listeners.delete(onProgress)
    uncount()
  }
}

function start(key: string, options: PullOptions): Running {
  const controller = new AbortController()
  const listeners: Running['listeners'] = new Set()
  const report = (progress: PullProgress) => {
    for (const listener of listeners) listener(progress)
  }
  const result = pullFiles(options, controller.signal, report)
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

async function pullFiles(options: PullOptions, signal: AbortSignal, onProgress: (progress: PullProgress) => void): Promise<LocalModel> {
  const { entry, store, log } = options
  log.info({ model: entry.id, bytes: entry.files.reduce((sum, file) => sum + file.size, 0) }, 'pull started')
  refusePickles(entry.files)
  for (const file of entry.files) {
    await pullFile({ file, path: store.blobPath(file.sha256), sources: chooseSources(file, options.sources), signal, onProgress, log })
  }
  const files = entry.files.map(({ name, sha256 }) => ({ name, path: store.blobPath(sha256) }))
  refusePickles(files)
  if (files.some(({ name }) => /\.(gguf|safetensors)$/i.test(name))) await inspectWeights(files, { signal })
  const model = store.add(entry)
  log.info({ model: entry.id }, 'pull ended')
  return model
}

function stopped(entry: CatalogueEntry): AppError {
  return new AppError('cancelled', `The pull of ${entry.id} was stopped. What came so far is kept, and the next pull goes on from there.`)
}
