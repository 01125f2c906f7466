import type { LocalModel } from '#contracts/model.ts'
import type { EngineDescription } from '../engines/engine.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { RedisAddress } from '../queue/redis.ts'
import { loadable } from './loadable.ts'
import { type SpareWorker, startWorkerProcess, type WorkerProcess } from './worker-process.ts'

/** Ends in a row, without the model having been loaded in between, after which a model is given up. */
const mostFailedLoads = 3
const firstBackoffMs = 100
const lastBackoffMs = 10_000

export type WorkerState =
  | { state: 'loading'; percent: number }
  | { state: 'ready'; description: EngineDescription; pid: number | undefined }
  | { state: 'failed'; error: AppError }

export type Supervisor = {
  /** Starts a worker for the model unless there is one. Throws `model_failed` when it was given up. Does not wait for the load. */
  ensure(model: LocalModel): void
  /** Forgets that the model was given up, and starts it. Resolves when it is loaded; throws what hindered it. */
  load(model: LocalModel): Promise<EngineDescription>
  /** What was given up may be tried again. */
  forgetFailure(id: string): void
  /** Ends the worker once its running requests have ended. */
  unload(id: string): Promise<void>
  /** `held`: it takes no new requests until it is told otherwise; the running ones go on. */
  hold(id: string, held: boolean): void
  stateOf(id: string): WorkerState | undefined
  /** It was told to end, and has not yet. */
  isStopping(id: string): boolean
  /** Resolves when the model is loaded. Throws `model_failed`. */
  loaded(id: string): Promise<EngineDescription>
  /** Ids of models with a worker. */
  list(): string[]
  /** Ends every worker; requests that run are stopped. */
  stop(): Promise<void>
}

export type SupervisorOptions = {
  redis: RedisAddress
  blobs: string
  threads: number
  slots: number | undefined
  logLevel: string
  log: Log
  /** Used for the first model. */
  spare?: SpareWorker | undefined
  /** Models are loaded before the queue is there; jobs are taken when this has resolved. */
  queueReady: Promise<void>
  onProgress: (model: string, percent: number) => void
  /** A worker's process ended, told to or not. Resolves when its jobs are taken care of; only then is it started again. */
  onLost: (model: string, workerId: string) => Promise<void>
  onGivenUp: (model: string, error: AppError) => Promise<void>
  /** A model is ready, given up or gone. */
  onChange?: () => void
}

type Kept = {
  model: LocalModel
  state: WorkerState
  worker: WorkerProcess | undefined
  failedLoads: number
  stopping: boolean
  held: boolean
  /** While stopping: its running requests may end. */
  drains: boolean
  waiters: { resolve: (description: EngineDescription) => void; reject: (error: AppError) => void }[]
}

/** Keeps one worker process running for each loaded model of this machine. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { log } = options
  const kept = new Map<string, Kept>()

  const settle = (entry: Kept) => {
    const { state } = entry
    if (state.state === 'loading') return
    for (const waiter of entry.waiters.splice(0)) state.state === 'ready' ? waiter.resolve(state.description) : waiter.reject(state.error)
  }

  const start = (entry: Kept) => {
    const { entry: about, files } = entry.model
    const startedAt = performance.now()
    entry.state = { state: 'loading', percent: 0 }
    const worker = startWorkerProcess(
      {
        model: about.id,
        ...loadable(about),
        path: files[0]?.path ?? '',
        contextWindow: about.contextWindow,
        threads: options.threads,
        slots: options.slots ?? null,
        redis: options.redis,
        blobs: options.blobs,
        logLevel: options.logLevel
      },
      {
        log,
        process: options.spare?.take(),
        onProgress: (percent) => {
          if (entry.worker === worker && entry.state.state === 'loading') entry.state = { state: 'loading', percent }
          options.onProgress(about.id, percent)
        }
      }
    )
    entry.worker = worker
    void options.queueReady.then(() => entry.held || worker.take())
    void run(entry, worker, startedAt)
  }

  const lookAfterJobsOf = (worker: WorkerProcess, id: string) =>
    options.onLost(id, worker.workerId).catch((error) => log.error({ model: id, err: error }, "a lost worker's jobs could not be looked after"))

  const run = async (entry: Kept, worker: WorkerProcess, startedAt: number) => {
    const { id } = entry.model.entry
    let failure: AppError | undefined
    try {
      const description = await worker.ready
      entry.failedLoads = 0
      entry.state = { state: 'ready', description, pid: worker.pid }
      log.info(
        { model: id, ms: Math.round(performance.now() - startedAt), pid: worker.pid, slots: description.slots, ...description.details },
        'model loaded'
      )
      settle(entry)
      options.onChange?.()
    } catch (error) {
      failure = toAppError(error, 'engine_failed')
    }
    const { code, signal } = await worker.ended
    if (entry.stopping) {
      // One that did not end in order may have left jobs, and one that lets its jobs end may have been given another in its last moment.
      if (code !== 0 || entry.drains) await lookAfterJobsOf(worker, id)
      return
    }
    if (failure !== undefined) entry.failedLoads++
    log.error({ model: id, code, signal, reason: failure?.message }, 'a worker ended')
    entry.state = { state: 'loading', percent: 0 }
    await lookAfterJobsOf(worker, id)
    if (entry.stopping) return
    // What cannot become better by trying again is not tried again.
    const hopeless = failure !== undefined && ['weights_corrupt', 'unsupported_feature'].includes(failure.code)
    if (failure !== undefined && (hopeless || entry.failedLoads >= mostFailedLoads)) {
      const tries = hopeless ? 'cannot be loaded' : `failed to load ${entry.failedLoads} times`
      const error = new AppError('model_failed', `${id} ${tries}: ${failure.message}. Mend the cause, then load it again: outpost load ${id}`, {
        cause: failure
      })
      entry.state = { state: 'failed', error }
      entry.worker = undefined
      settle(entry)
      options.onChange?.()
      await options.onGivenUp(id, error)
      return
    }
    const backoffMs = failure === undefined ? 0 : Math.min(firstBackoffMs * 2 ** (entry.failedLoads - 1), lastBackoffMs)
    setTimeout(() => {
      if (!entry.stopping) start(entry)
    }, backoffMs)
  }

  const ensure = (model: LocalModel) => {
    const entry = kept.get(model.entry.id)
    if (entry?.state.state === 'failed') throw entry.state.error
    if (entry !== undefined && !entry.stopping) return
    loadable(model.entry)
    const state: WorkerState = { state: 'loading', percent: 0 }
    const fresh: Kept = { model, state, worker: undefined, failedLoads: 0, stopping: false, held: false, drains: false, waiters: [] }
    kept.set(model.entry.id, fresh)
    start(fresh)
  }

  const loaded = (id: string): Promise<EngineDescription> => {
    const entry = kept.get(id)
    if (entry === undefined) return Promise.reject(new AppError('model_not_ready', `${id} is not loaded`))
    return new Promise((resolve, reject) => {
      entry.waiters.push({ resolve, reject })
      settle(entry)
    })
  }

  const end = async (id: string, drain: boolean) => {
    const entry = kept.get(id)
    if (entry === undefined) return
    entry.stopping = true
    entry.drains = drain
    await entry.worker?.stop({ drain: drain && entry.state.state === 'ready' })
    if (kept.get(id) === entry) kept.delete(id)
    for (const waiter of entry.waiters.splice(0)) waiter.reject(new AppError('model_not_ready', `${id} was unloaded`))
    options.onChange?.()
  }

  const forgetFailure = (id: string) => {
    if (kept.get(id)?.state.state === 'failed') kept.delete(id)
  }

  return {
    ensure,
    forgetFailure,
    async load(model) {
      forgetFailure(model.entry.id)
      ensure(model)
      return await loaded(model.entry.id)
    },
    unload: (id) => end(id, true),
    hold(id, held) {
      const entry = kept.get(id)
      if (entry === undefined || entry.held === held) return
      entry.held = held
      if (held) entry.worker?.hold()
      else void options.queueReady.then(() => entry.held || entry.worker?.take())
    },
    stateOf: (id) => kept.get(id)?.state,
    isStopping: (id) => kept.get(id)?.stopping ?? false,
    loaded,
    list: () => [...kept.keys()],
    async stop() {
      await Promise.all([...kept.keys()].map((id) => end(id, false)))
    }
  }
}
