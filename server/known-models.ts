import { statSync } from 'node:fs'
import type { Catalogue, CatalogueEntry, LocalModel, ModelStatus, ModelTrust } from '#contracts/model.ts'
import { noPolicy, type Policy } from '#contracts/policy.ts'
import type { PullStatus } from '#contracts/pull.ts'
import type { Config } from './config.ts'
import { AppError, toAppError } from './errors.ts'
import type { Log } from './log.ts'
import { findEntry, nearNames } from './models/catalogue.ts'
import { enforce, enforcePull } from './models/policy.ts'
import type { PullProgress } from './models/pull/pull.ts'
import { parsePullReference, resolvePullReference } from './models/pull/pull-reference.ts'
import { createPulls, type Pulls } from './models/pull/pulls.ts'
import { type BrokenModel, type ModelStore, weightsNotHere } from './models/store/store.ts'
import { whyNotLoadable } from './workers/loadable.ts'
import type { ResidentModels } from './workers/resident-models.ts'

/** Every model of the catalogue and of the disk, with what its worker and its pull say of it. */
export type KnownModels = {
  list(): ModelStatus[]
  /** By id or alias. Throws `model_not_found` with near names. */
  resolve(name: string): ModelStatus
  /** Resolves when its weights are here. */
  pull(id: string, onProgress?: (progress: PullProgress) => void): Promise<LocalModel>
  /**
   * Begins to pull a model, by its name or by a place (`hf:org/repo:Q4_K_M`, an address), or joins who does already. Resolves when it is clear what that
   * is; `done` when it is here.
   */
  order(
    name: string,
    options?: { limitRate?: number | undefined; onProgress?: ((progress: PullProgress) => void) | undefined }
  ): Promise<{ model: string; done: Promise<LocalModel> }>
  readonly pulls: Pick<Pulls, 'list' | 'find' | 'stop' | 'follow'>
  /** Resolves when it is loaded, pulled before where needed. */
  load(id: string): Promise<void>
  unload(id: string): Promise<void>
  /** Starts its worker unless there is one. Throws `model_not_ready` when its weights are not here, `model_failed`. */
  ensure(id: string): void
  /** Requests it runs at the same time; 1 while that is not known. */
  slotsOf(id: string): number
  /** Something on the disk or in the policy has changed. */
  lookAgain(): void
  /** What the policy says against loading it. */
  deniedBy(id: string): AppError | undefined
}

/** What is asked of the models that are loaded. */
export type KnownResidents = Pick<ResidentModels, 'ensure' | 'load' | 'unload' | 'stateOf' | 'serves' | 'waitOf' | 'refusalOf'>

export function createKnownModels(options: {
  config: Config
  catalogue: Catalogue
  store: ModelStore
  residents: KnownResidents
  policy?: () => Policy
  isPinned?: (id: string) => boolean
  /** A pull moved on, or what is here changed. */
  onChange?: ((pull?: PullStatus) => void) | undefined
  /** Stops every pull, so that the process can end. */
  signal?: AbortSignal
  log: Log
}): KnownModels {
  const { config, catalogue, store, residents, signal, log } = options
  const policy = options.policy ?? (() => noPolicy)
  const limits = { connections: config.pullConnections }
  const sources = () => ({ ...config, policy: policy() })
  const pulls = createPulls({ store, sources, limitRate: config.pullRate, limits, onChange: options.onChange, signal, log })
  const runningPull = (id: string) => {
    const pull = pulls.find(id)
    return pull?.state === 'running' ? pull : undefined
  }
  const failedPull = (id: string) => pulls.find(id)?.error ?? undefined
  const startedAt = Date.now()
  // What lies on the disk changes only through this process (pull) or by hand; looking again once a second is enough for a list.
  let present = new Map<string, PresentModel>()
  let broken = new Map<string, BrokenModel>()
  let presentAt = 0
  const localModels = () => {
    if (performance.now() - presentAt > 1000 || presentAt === 0) {
      const withoutFiles = catalogue.models
        .filter((entry) => entry.files.length === 0)
        .map((entry): LocalModel => ({ entry: { ...entry, files: [] }, files: [] }))
      const rules = policy()
      const toPresent = (model: LocalModel): PresentModel => ({ ...model, createdAt: createdAt(model), denied: deniedBy(rules, model) })
      present = new Map([...store.list(), ...withoutFiles].map((model) => [model.entry.id, toPresent(model)]))
      broken = new Map(store.broken().map((model) => [model.entry.id, model]))
      presentAt = performance.now()
    }
    return present
  }
  const entries = (): CatalogueEntry[] => {
    const here = [...localModels().values(), ...broken.values()].map(({ entry }) => entry)
    const coming = pulls.list().flatMap(({ model }) => pulls.entryOf(model) ?? [])
    return [...new Map([...catalogue.models, ...here, ...coming].map((entry) => [entry.id, entry])).values()]
  }
  const deniedBy = (rules: Policy, { entry }: LocalModel): AppError | undefined => {
    if (rules === noPolicy) return undefined
    const { signer, sources } = store.originOf(entry.id) ?? {}
    const subject = {
      model: entry,
      licence: entry.licence,
      ...(signer === undefined ? {} : { signer }),
      ...(sources === undefined ? {} : { sources })
    }
    try {
      enforce(rules, subject, 'be loaded')
      return undefined
    } catch (error) {
      return toAppError(error)
    }
  }

  const statusOf = (entry: CatalogueEntry): ModelStatus => {
    const obstacle = whyNotLoadable(entry)
    const worker = residents.stateOf(entry.id)
    const pull = runningPull(entry.id)
    const local = localModels().get(entry.id)
    const failed = worker?.state === 'failed' ? worker.error : local === undefined ? failedPull(entry.id) : residents.refusalOf(entry.id)
    const missing = local === undefined ? broken.get(entry.id)?.reason : undefined
    const reason = local?.denied?.message ?? failed?.message ?? missing ?? residents.waitOf(entry.id)?.reason ?? obstacle
    return {
      id: entry.id,
      aliases: entry.aliases,
      name: entry.name,
      kind: entry.kind,
      engine: entry.engine,
      licence: entry.licence,
      uses: entry.uses ?? [],
      trust: trustOf(entry, local),
      state: pull !== undefined ? 'pulling' : (worker?.state ?? (local === undefined ? 'absent' : obstacle === null ? 'present' : 'unsupported')),
      percent: pull !== undefined ? percentOf(pull) : worker?.state === 'loading' ? worker.percent : null,
      reason,
      pinned: options.isPinned?.(entry.id) ?? false,
      size: local?.files.reduce((sum, file) => sum + file.size, 0) ?? sizeOf(entry),
      contextWindow: worker?.state === 'ready' ? worker.description.contextWindow : entry.contextWindow,
      slots: worker?.state === 'ready' ? worker.description.slots : null,
      dimensions: entry.dimensions ?? null,
      createdAt: local?.createdAt ?? startedAt
    }
  }

  const resolveEntry = (name: string): CatalogueEntry => {
    const found = findEntry(catalogue, name) ?? findEntry({ ...catalogue, models: entries() }, name)
    if (found !== undefined) return found
    const near = nearNames(
      name,
      entries().flatMap((entry) => [entry.id, ...entry.aliases])
    )
    const hint =
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : `${entries().length} are known, and none is called like that: outpost list, or GET /outpost/models`
    throw new AppError('model_not_found', `there is no model ${JSON.stringify(name.slice(0, 256))}: ${hint}`, { param: 'model' })
  }

  const pull = async (id: string, onProgress?: (progress: PullProgress) => void): Promise<LocalModel> => {
    const local = localModels().get(id)
    if (local !== undefined) return local
    return await bring(resolveEntry(id), { onProgress })
  }
  const bring: Pulls['start'] = async (entry, more) => {
    enforcePull(policy(), entry, config.mirrors)
    const model = await pulls.start(entry, more)
    presentAt = 0
    options.onChange?.()
    return model
  }
  const order: KnownModels['order'] = async (name, more) => {
    const isPlace = parsePullReference(name) !== undefined
    const known = entries().find(({ reference, aliases }) => reference === name || aliases.includes(name))
    const isTaken = (id: string, reference: string) => entries().some((entry) => entry.id === id && entry.reference !== reference)
    const entry =
      isPlace && known === undefined
        ? await resolvePullReference(name, { settings: config, isTaken, signal: signal ?? new AbortController().signal })
        : (known ?? resolveEntry(name))
    const local = localModels().get(entry.id)
    if (local !== undefined && pulls.find(entry.id)?.state !== 'done') pulls.forget(entry.id)
    return { model: entry.id, done: local === undefined ? bring(entry, more) : Promise.resolve(local) }
  }

  const ensure = (id: string) => {
    const local = localModels().get(id)
    if (local?.denied !== undefined) throw local.denied
    if (local !== undefined) return residents.ensure(local)
    if (residents.serves(id)) return
    const running = runningPull(id)
    if (running !== undefined) {
      throw new AppError('model_not_ready', `${id} is being downloaded, ${percentOf(running)} % of it are here: try again in a while`, {
        retryAfter: 5
      })
    }
    const failed = failedPull(id)
    throw failed === undefined ? weightsNotHere(id) : new AppError('model_not_ready', `the weights of ${id} are not here: ${failed.message}`)
  }

  return {
    list: () => entries().map(statusOf),
    resolve: (name) => statusOf(resolveEntry(name)),
    pull,
    order,
    pulls,
    async load(id) {
      const model = await pull(id)
      const denied = localModels().get(id)?.denied
      if (denied !== undefined) throw denied
      await residents.load(model)
    },
    unload: (id) => residents.unload(id),
    ensure,
    slotsOf(id) {
      const worker = residents.stateOf(id)
      return worker?.state === 'ready' ? worker.description.slots : 1
    },
    lookAgain() {
      presentAt = 0
      options.onChange?.()
    },
    deniedBy: (id) => localModels().get(id)?.denied
  }
}

type PresentModel = LocalModel & { createdAt: number | undefined; denied: AppError | undefined }

function percentOf({ received, total }: PullStatus): number {
  return total === null || total === 0 ? 0 : Math.min(100, Math.floor((received / total) * 100))
}

/** 0: nobody has said how large its files are. */
function sizeOf({ files }: CatalogueEntry): number {
  return files.reduce((sum, file) => sum + (file.size ?? 0), 0)
}

function trustOf(entry: CatalogueEntry, local: LocalModel | undefined): ModelTrust {
  if (local?.files.some(({ sha256 }) => sha256 === '') === true) return 'owner'
  if (entry.files.some(({ firstUse }) => firstUse !== undefined)) return 'first-use'
  return entry.files.some(({ sha256 }) => sha256 === undefined) ? 'unverified' : 'catalogue'
}

function createdAt(model: LocalModel): number | undefined {
  const path = model.files[0]?.path
  const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : Math.floor(stat.mtimeMs)
}
