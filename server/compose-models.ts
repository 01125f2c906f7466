import { join } from 'node:path'
import type { PullStatus } from '#contracts/pull.ts'
import { type BundleImports, createBundleImports } from './bundle-imports.ts'
import type { Config } from './config.ts'
import { AppError, toAppError } from './errors.ts'
import { createKnownModels, type KnownModels } from './known-models.ts'
import type { Log } from './log.ts'
import { createModelFacts, type ModelFacts } from './model-facts.ts'
import { createModelUpkeep, type ModelUpkeep } from './model-upkeep.ts'
import { signersOfHome } from './models/bundle/trusted-signers.ts'
import { loadCatalogue } from './models/catalogue.ts'
import { createMemoryNeeds } from './models/fit/memory-need.ts'
import { createDescriptions } from './models/inspect/descriptions.ts'
import { enforceImport } from './models/policy.ts'
import { createModelStore, type ModelStore } from './models/store/store.ts'
import type { Dispatcher } from './queue/dispatcher.ts'
import type { RedisAddress } from './queue/redis.ts'
import type { SettingsStore } from './store/settings.ts'
import { deriveMemoryBudget } from './workers/memory-budget.ts'
import { createResidentModels, type ResidentModels } from './workers/resident-models.ts'
import { createSupervisor } from './workers/supervisor.ts'
import type { SpareWorker } from './workers/worker-process.ts'

/** Everything of a server that is about models: what there is, what is here, what is loaded, and who looks after it. */
export type ComposedModels = {
  store: ModelStore
  models: KnownModels
  residents: ResidentModels
  upkeep: ModelUpkeep
  bundles: BundleImports
  facts: ModelFacts
  /** Model ids that the server wants loaded from the start. */
  wanted: { chat: string; embedding: string }
}

/** A busy model serves for so long before it makes room for another one that is asked for. */
const turnMs = 10_000

/** Throws `model_not_found` for a model that the settings name and nobody knows. */
export async function composeModels(options: {
  config: Config
  settings: SettingsStore
  redis: RedisAddress
  /** Folder of large requests. */
  blobs: string
  /** Undefined as long as the queue is not up. */
  dispatcher: () => Dispatcher | undefined
  queueReady: Promise<void>
  /** A model's state changed, or a pull moved on. */
  onChange?: (pull?: PullStatus) => void
  spareWorker: SpareWorker | undefined
  /** Ends what goes on in the background. */
  signal: AbortSignal
  log: Log
}): Promise<ComposedModels> {
  const { config, dispatcher, signal, log } = options
  const folder = join(config.home, 'models')
  const catalogue = loadCatalogue({ extraFile: join(folder, 'catalogue.json') })
  const store = createModelStore({ folder, catalogue, shared: config.sharedStores, log })
  const wanted = {
    chat: await wantedId(config.model, catalogue.defaults.chat, store),
    embedding: await wantedId(config.embeddingModel, catalogue.defaults.embedding, store)
  }
  const giveUp = (model: string, error: AppError) => {
    dispatcher()
      ?.giveUp(model, error)
      .catch((cause) => log.error({ model, err: cause }, 'waiting jobs could not be told'))
  }
  /** Who waited while a model was unloaded still wants it. */
  const bringBack = (model: string) => {
    if ((dispatcher()?.waitingFor(model) ?? 0) === 0) return
    try {
      models.ensure(model)
    } catch (error) {
      giveUp(model, toAppError(error))
    }
  }
  const supervisor = createSupervisor({
    redis: options.redis,
    blobs: options.blobs,
    threads: config.threads,
    slots: config.slots,
    logLevel: config.logLevel,
    log,
    spare: options.spareWorker,
    queueReady: options.queueReady,
    onProgress(model, percent) {
      dispatcher()?.loading(model, percent)
      options.onChange?.()
    },
    async onLost(model, workerId) {
      await dispatcher()?.workerLost(model, workerId)
      if (!residents.serves(model)) bringBack(model)
    },
    onGivenUp: async (model, error) => dispatcher()?.giveUp(model, error),
    onChange: () => residents.review()
  })
  const budget = config.memoryBudget ?? deriveMemoryBudget()
  const descriptions = createDescriptions({ folder, log })
  const needs = createMemoryNeeds({ descriptions, slots: config.slots, budget })
  const residents = createResidentModels({
    supervisor,
    rules: {
      budget,
      turnMs,
      idleMs: config.idleUnload === 0 ? undefined : config.idleUnload * 60_000,
      longestWaitMs: config.memoryWait * 1000
    },
    memoryOf: needs.of,
    contextWithin: needs.contextWithin,
    demandOf: (model) => dispatcher()?.demandOf(model) ?? { running: 0, waiting: 0 },
    runMsOf: (model) => dispatcher()?.demandOf(model).runMs,
    isPinned: (model) => upkeep.isPinned(model),
    onRefused: giveUp,
    onFreed: bringBack,
    onReviewed: () => options.onChange?.(),
    log
  })
  const upkeep = createModelUpkeep({
    store,
    catalogue,
    settings: options.settings,
    models: () => models,
    onChange: () => residents.review(),
    signal,
    log
  })
  const models = createKnownModels({
    config,
    catalogue,
    store,
    residents,
    policy: upkeep.policy,
    isPinned: upkeep.isPinned,
    onChange: options.onChange,
    signal,
    log
  })
  refuseUnknown(models, wanted)
  if (config.verifyDays > 0) upkeep.keepVerified({ maxAgeMs: config.verifyDays * 86_400_000, signal })
  const bundles = createBundleImports({
    store,
    signers: signersOfHome(config.home),
    allow: (entry, signer) => enforceImport(upkeep.policy(), entry, signer),
    onImported: models.lookAgain,
    signal,
    log
  })
  const facts = createModelFacts({ entries: catalogue.models, store, descriptions })
  return { store, models, residents, upkeep, bundles, facts, wanted }
}

/** An id or alias of the catalogue, or a GGUF file to use where it lies. */
async function wantedId(wanted: string | undefined, fallback: string, store: ModelStore): Promise<string> {
  if (wanted === undefined) return fallback
  return wanted.toLowerCase().endsWith('.gguf') ? (await store.adopt(wanted)).entry.id : wanted
}

/** A name that is a mistake would otherwise be found out by the first request. */
function refuseUnknown(models: KnownModels, wanted: ComposedModels['wanted']): void {
  for (const [kind, variable] of [
    ['chat', 'OUTPOST_MODEL (or --model)'],
    ['embedding', 'OUTPOST_EMBEDDING_MODEL']
  ] as const) {
    try {
      models.resolve(wanted[kind])
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw new AppError(error.code, `${variable}: ${error.message}`, { cause: error })
    }
  }
}
