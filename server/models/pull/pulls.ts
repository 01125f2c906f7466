import type { CatalogueEntry, LocalModel } from '#contracts/model.ts'
import type { PullStatus } from '#contracts/pull.ts'
import { toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { SourceSettings } from '../sources/choose.ts'
import type { ModelStore } from '../store/store.ts'
import { type ProgressSample, rateOf } from './progress.ts'
import { type PullProgress, pullModel } from './pull.ts'
import type { PullLimits } from './pull-limits.ts'
import { createRateLimit } from './rate-limit.ts'

/** The pulls of this process, and how they ended. */
export type Pulls = {
  /** Resolves when its weights are here. Who comes second joins the first. */
  start(
    entry: CatalogueEntry,
    options?: { limitRate?: number | undefined; onProgress?: ((progress: PullProgress) => void) | undefined }
  ): Promise<LocalModel>
  list(): PullStatus[]
  /** By the model's id: the last one. */
  find(model: string): PullStatus | undefined
  /** What is pulled now under this id. */
  entryOf(model: string): CatalogueEntry | undefined
  /** Ends a running pull; what came is kept. False: there is none. */
  stop(model: string): boolean
  /** Its model came here in another way: how an earlier pull of it ended is of no interest any more. */
  forget(model: string): void
  /** Calls back with every change until the end, which is told too. Returns how to stop that. */
  follow(model: string, listener: (status: PullStatus) => void): () => void
}

export type PullsOptions = {
  store: ModelStore
  /** As they are when a pull begins. */
  sources: () => SourceSettings
  /** Bytes a second for all pulls together. */
  limitRate?: number | undefined
  limits?: Partial<PullLimits>
  /** Called with every change of any pull. */
  onChange?: ((status: PullStatus) => void) | undefined
  /** Stops every pull, so that the process can end. */
  signal?: AbortSignal | undefined
  log: Log
}

type Kept = {
  status: PullStatus
  entry: CatalogueEntry
  controller: AbortController
  samples: ProgressSample[]
  received: Map<string, number>
  totals: Map<string, number>
  result: Promise<LocalModel>
  listeners: Set<(status: PullStatus) => void>
  watchers: Set<(progress: PullProgress) => void>
}

const mostKept = 50
/** Over these the rate is taken. */
const windowMs = 5000

export function createPulls(options: PullsOptions): Pulls {
  const kept = new Map<string, Kept>()
  const shared = options.limitRate === undefined ? [] : [createRateLimit(options.limitRate)]

  const tell = ({ status, listeners }: Omit<Kept, 'result'>) => {
    for (const listener of [...listeners]) listener(status)
    options.onChange?.(status)
  }

  function begin(entry: CatalogueEntry, limitRate: number | undefined): Kept {
    const controller = new AbortController()
    const pull: Omit<Kept, 'result'> = {
      status: startOf(entry, limitRate ?? options.limitRate ?? null),
      entry,
      controller,
      samples: [],
      received: new Map(),
      totals: new Map(entry.files.map((file) => [file.name, file.size ?? 0])),
      listeners: new Set(),
      watchers: new Set()
    }
    const update = (change: Partial<PullStatus>) => {
      pull.status = { ...pull.status, ...change }
      tell(pull)
    }
    const result = pullModel({
      entry,
      store: options.store,
      sources: options.sources(),
      rates: [...shared, ...(limitRate === undefined ? [] : [createRateLimit(limitRate)])],
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      signal: options.signal === undefined ? controller.signal : AbortSignal.any([controller.signal, options.signal]),
      onProgress(progress) {
        update(progressOf(pull, progress))
        for (const watcher of pull.watchers) watcher(progress)
      },
      onFailure: (failure) => update({ failures: [...pull.status.failures, failure] }),
      onWarning: (message) => update({ warnings: [...pull.status.warnings, message] }),
      log: options.log
    }).then(
      (model) => {
        const size = model.files.reduce((sum, file) => sum + file.size, 0)
        update({ state: 'done', received: size, total: size, bytesPerSecond: null, msLeft: null, endedAt: Date.now() })
        return model
      },
      (reason: unknown) => {
        const error = toAppError(reason, 'weights_unavailable')
        const { code, message } = error
        update({
          state: code === 'cancelled' ? 'stopped' : 'failed',
          bytesPerSecond: null,
          msLeft: null,
          error: { code, message },
          endedAt: Date.now()
        })
        throw error
      }
    )
    // Nobody need wait for it.
    result.catch(() => {})
    return Object.assign(pull, { result })
  }

  async function start(entry: CatalogueEntry, { limitRate, onProgress }: Parameters<Pulls['start']>[1] = {}): Promise<LocalModel> {
    let pull = kept.get(entry.id)
    if (pull?.status.state !== 'running') {
      pull = begin(entry, limitRate)
      kept.delete(entry.id)
      kept.set(entry.id, pull)
      for (const [id, { status }] of kept) if (kept.size > mostKept && status.state !== 'running') kept.delete(id)
    }
    if (onProgress !== undefined) pull.watchers.add(onProgress)
    try {
      return await pull.result
    } finally {
      if (onProgress !== undefined) pull.watchers.delete(onProgress)
    }
  }

  return {
    start,
    list: () => [...kept.values()].map(({ status }) => status),
    find: (model) => kept.get(model)?.status,
    entryOf: (model) => (kept.get(model)?.status.state === 'running' ? kept.get(model)?.entry : undefined),
    stop(model) {
      const pull = kept.get(model)
      if (pull?.status.state !== 'running') return false
      pull.controller.abort()
      return true
    },
    forget(model) {
      if (kept.get(model)?.status.state !== 'running') kept.delete(model)
    },
    follow(model, listener) {
      const pull = kept.get(model)
      if (pull === undefined) return () => {}
      pull.listeners.add(listener)
      listener(pull.status)
      return () => pull.listeners.delete(listener)
    }
  }
}

function startOf(entry: CatalogueEntry, limitRate: number | null): PullStatus {
  return {
    model: entry.id,
    state: 'running',
    received: 0,
    total: totalOf(new Map(entry.files.map((file) => [file.name, file.size ?? 0]))),
    file: null,
    source: null,
    bytesPerSecond: null,
    msLeft: null,
    limitRate,
    failures: [],
    warnings: [],
    error: null,
    startedAt: Date.now(),
    endedAt: null
  }
}

function progressOf(pull: Omit<Kept, 'result'>, { file, source, received, total }: PullProgress): Partial<PullStatus> {
  pull.received.set(file, received)
  if (total > 0) pull.totals.set(file, total)
  const sum = [...pull.received.values()].reduce((all, bytes) => all + bytes, 0)
  const whole = totalOf(pull.totals)
  const at = performance.now()
  pull.samples = [...pull.samples.filter((sample) => at - sample.at <= windowMs), { received: sum, total: whole ?? 0, at }]
  const rate = rateOf(pull.samples) ?? null
  const msLeft = rate === null || whole === null ? null : Math.round(((whole - sum) / rate) * 1000)
  return { file, source, received: sum, total: whole, bytesPerSecond: rate === null ? null : Math.round(rate), msLeft }
}

/** Null as long as the size of one is not known. */
function totalOf(sizes: Map<string, number>): number | null {
  const all = [...sizes.values()]
  return all.some((size) => size === 0) ? null : all.reduce((sum, size) => sum + size, 0)
}
