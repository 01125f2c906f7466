import type { LocalModel } from '#contracts/model.ts'
import { AppError, toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { decideResidency, type ResidencyAction, type ResidencyRules, type Resident, type Wish } from './residency.ts'
import { estimateWaitMs, refusalError, waitReason } from './residency-words.ts'
import type { Supervisor, WorkerState } from './supervisor.ts'

/** Bytes a model takes where there is room, and those without which it cannot run. */
export type MemoryNeed = { bytes: number; atLeast: number }

/** Jobs of one model. */
export type Demand = { running: number; waiting: number }

/** Why a model that is wanted is not loaded yet, and for how long it should go on; null: nobody knows. */
export type MemoryWait = { reason: string; ms: number | null }

export type ResidentModels = {
  /** Sees to it that the model is loaded, or will be when there is room. Throws `model_failed`, `insufficient_memory` when there never will be. */
  ensure(model: LocalModel): void
  /** Like `ensure`, also for a model that was given up. Resolves when it is loaded. */
  load(model: LocalModel): Promise<void>
  /** Ends the worker once its running requests have ended. */
  unload(id: string): Promise<void>
  /** A model that waits for memory is `loading`. */
  stateOf(id: string): WorkerState | undefined
  /** It has a worker, or will have one, that was not told to end. */
  serves(id: string): boolean
  waitOf(id: string): MemoryWait | undefined
  /** Why it was last refused for want of memory, until it is asked for again. */
  refusalOf(id: string): AppError | undefined
  /** Bytes: what all models may take together, and what the loaded ones do. */
  memory(): { budget: number; used: number }
  /** To be called when jobs ended or pins changed; the rest is noticed here. */
  review(): void
  /** Jobs of these models ended now. */
  used(ids: Iterable<string>): void
  /** Ends every worker; requests that run are stopped. */
  stop(): Promise<void>
}

export type ResidentModelsOptions = {
  supervisor: Supervisor
  rules: ResidencyRules
  /** What follows from a model's files and this machine. It may take its time; it throws when the weights are unusable. */
  memoryOf: (model: LocalModel) => MemoryNeed | Promise<MemoryNeed>
  /** Tokens of context for which the bytes that a model was given are enough. The model's own, where it is not given. */
  contextWithin?: (model: LocalModel, bytes: number) => number
  demandOf: (id: string) => Demand
  /** Milliseconds a job of this model runs, as far as that is known. */
  runMsOf: (id: string) => number | undefined
  isPinned: (id: string) => boolean
  /** Its waiting jobs cannot be served. */
  onRefused: (id: string, error: AppError) => void
  /** A model was unloaded, or is not waited for any more. Jobs that wait for it want it back. */
  onFreed: (id: string) => void
  /** What is loaded, or why it is not, was looked at again. */
  onReviewed?: (() => void) | undefined
  log: Log
}

type Held = { bytes: number; startedAt: number; readyAt: number | undefined; lastUsedAt: number; held: boolean }
type Waiter = { resolve: () => void; reject: (error: unknown) => void }
type Pending = { model: LocalModel; need: MemoryNeed | undefined; since: number; waiters: Waiter[]; isNew: boolean; refusal: AppError | undefined }

/** Clients that leave are not heard of here, so wishes are looked at again so often. */
const lookAgainMs = 1000

/** Keeps the models of this machine within one budget of memory: `residency.ts` decides, this does it. */
export function createResidentModels(options: ResidentModelsOptions): ResidentModels {
  const { supervisor, rules, demandOf, isPinned, log } = options
  const held = new Map<string, Held>()
  const wishes = new Map<string, Pending>()
  const waits = new Map<string, MemoryWait>()
  const refusals = new Map<string, AppError>()
  const lastLoadMs = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let isReviewing = false
  let isPlanned = false
  let isStopped = false
  const now = () => performance.now()

  const residents = (): Resident[] => {
    const at = now()
    for (const [id, entry] of held) {
      const state = supervisor.stateOf(id)?.state
      // Gone, or given up: either way its process has ended.
      if (state === undefined || state === 'failed') held.delete(id)
      else if (state === 'ready' && entry.readyAt === undefined) {
        entry.readyAt = at
        lastLoadMs.set(id, at - entry.startedAt)
      }
    }
    return [...held].map(([id, { bytes, readyAt, lastUsedAt, held: isHeld }]): Resident => {
      const { running, waiting } = demandOf(id)
      const phase = supervisor.isStopping(id) ? 'stopping' : supervisor.stateOf(id)?.state === 'ready' ? 'ready' : 'loading'
      const loadMs = lastLoadMs.get(id) ?? 0
      return { id, bytes, phase, held: isHeld, pinned: isPinned(id), running, waiting, lastUsedAt, readyAt: readyAt ?? at, loadMs }
    })
  }

  const review = () => {
    // What is done below may call back.
    if (isReviewing || isStopped) return
    isReviewing = true
    try {
      reviewOnce()
    } finally {
      isReviewing = false
    }
    options.onReviewed?.()
  }

  const reviewOnce = () => {
    const at = now()
    for (const [id, wish] of wishes) {
      if (!wish.isNew && wish.waiters.length === 0 && demandOf(id).waiting === 0) wishes.delete(id)
    }
    const wanted = [...wishes].flatMap(([id, { need, since }]): Wish[] => (need === undefined ? [] : [{ id, since, ...need }]))
    const present = residents()
    const decision = decideResidency(present, wanted, rules, at)
    waits.clear()
    for (const [id, blockers] of decision.waitsFor) {
      waits.set(id, { reason: waitReason(id, blockers, rules.budget), ms: estimate(id, blockers) })
    }
    for (const action of decision.actions) act(action, present)
    for (const wish of wishes.values()) wish.isNew = false
    clearTimeout(timer)
    const wakeAt = Math.min(decision.wakeAt ?? Number.POSITIVE_INFINITY, wishes.size > 0 ? at + lookAgainMs : Number.POSITIVE_INFINITY)
    if (wakeAt !== Number.POSITIVE_INFINITY) timer = setTimeout(review, Math.max(1, Math.ceil(wakeAt - at))).unref()
  }

  const estimate = (id: string, blockers: readonly Resident[]) =>
    estimateWaitMs(blockers, { turnMs: rules.turnMs, now: now(), runMsOf: options.runMsOf, loadMs: lastLoadMs.get(id) ?? 0 })

  const act = (action: ResidencyAction, present: Resident[]) => {
    const { id } = action
    const wish = wishes.get(id)
    switch (action.type) {
      case 'start':
        if (wish !== undefined) start(id, wish, action.bytes)
        break
      case 'hold':
      case 'resume':
        setHeld(id, action.type === 'hold')
        break
      case 'evict':
        log.info({ model: id, madeFor: action.madeFor }, action.madeFor === undefined ? 'idle model unloaded' : 'model unloaded to make room')
        end(id)
        break
      case 'refuse':
        if (wish === undefined) break
        refuse(
          id,
          wish,
          refusalError(id, wish.need?.atLeast ?? 0, action.refusal, { rules, present, estimate: (blockers) => estimate(id, blockers) })
        )
        break
    }
  }

  const start = (id: string, wish: Pending, bytes: number) => {
    wishes.delete(id)
    const at = now()
    held.set(id, { bytes, startedAt: at, readyAt: undefined, lastUsedAt: at, held: false })
    const { entry, files } = wish.model
    const contextWindow = options.contextWithin?.(wish.model, bytes) ?? entry.contextWindow
    supervisor.ensure({ entry: { ...entry, contextWindow }, files })
    for (const waiter of wish.waiters) supervisor.loaded(id).then(() => waiter.resolve(), waiter.reject)
  }

  const setHeld = (id: string, isHeld: boolean) => {
    const entry = held.get(id)
    if (entry === undefined) return
    entry.held = isHeld
    supervisor.hold(id, isHeld)
    log.debug({ model: id, held: isHeld }, 'model held')
  }

  const end = (id: string) => {
    supervisor
      .unload(id)
      .then(() => {
        review()
        options.onFreed(id)
      })
      .catch((error) => log.error({ model: id, err: error }, 'not unloaded'))
  }

  const refuse = (id: string, wish: Pending, error: AppError) => {
    wishes.delete(id)
    refusals.set(id, error)
    wish.refusal = error
    log.warn({ model: id, code: error.code, reason: error.message }, 'model not loaded')
    for (const waiter of wish.waiters) waiter.reject(error)
    options.onRefused(id, error)
  }

  const isThere = (id: string) => supervisor.stateOf(id) !== undefined && !supervisor.isStopping(id)

  const wishFor = (model: LocalModel): Pending => {
    const { id } = model.entry
    const known = wishes.get(id)
    if (known !== undefined) return known
    refusals.delete(id)
    const wish: Pending = { model, need: undefined, since: now(), waiters: [], isNew: true, refusal: undefined }
    wishes.set(id, wish)
    const need = options.memoryOf(model)
    if (need instanceof Promise) {
      need.then(
        (known) => {
          wish.need = known
          // Whoever asked may not have been counted before.
          wish.isNew = true
          review()
        },
        (error: unknown) => wishes.get(id) === wish && refuse(id, wish, toAppError(error, 'weights_corrupt'))
      )
    } else wish.need = need
    return wish
  }

  const ensure = (model: LocalModel) => {
    const { id } = model.entry
    const state = supervisor.stateOf(id)
    if (state?.state === 'failed') throw state.error
    if (isThere(id)) {
      const entry = held.get(id)
      if (entry !== undefined) entry.lastUsedAt = now()
      return
    }
    const wish = wishFor(model)
    review()
    if (wish.refusal !== undefined) throw wish.refusal
  }

  return {
    ensure,
    async load(model) {
      const { id } = model.entry
      supervisor.forgetFailure(id)
      if (!isThere(id)) {
        const loaded = Promise.withResolvers<void>()
        wishFor(model).waiters.push(loaded)
        review()
        return await loaded.promise
      }
      await supervisor.loaded(id)
    },
    async unload(id) {
      const wish = wishes.get(id)
      wishes.delete(id)
      for (const waiter of wish?.waiters ?? []) waiter.reject(new AppError('model_not_ready', `${id} was unloaded before it was loaded`))
      await supervisor.unload(id)
      review()
      options.onFreed(id)
    },
    stateOf: (id) => (isThere(id) || !wishes.has(id) ? supervisor.stateOf(id) : { state: 'loading', percent: 0 }),
    serves: (id) => isThere(id) || wishes.has(id),
    waitOf: (id) => waits.get(id),
    refusalOf: (id) => refusals.get(id),
    memory: () => ({ budget: rules.budget, used: residents().reduce((sum, { bytes }) => sum + bytes, 0) }),
    review,
    used(ids) {
      const at = now()
      for (const id of ids) {
        const entry = held.get(id)
        if (entry !== undefined) entry.lastUsedAt = at
      }
      // Only then does it matter that a model has become idle. The jobs are counted as ended when this tick is over.
      if (isPlanned || (wishes.size === 0 && rules.idleMs === undefined)) return
      isPlanned = true
      setImmediate(() => {
        isPlanned = false
        review()
      })
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      for (const { waiters } of wishes.values()) for (const waiter of waiters) waiter.reject(new AppError('shutting_down', 'the server is stopping'))
      wishes.clear()
      await supervisor.stop()
    }
  }
}
