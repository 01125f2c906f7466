import { join } from 'node:path'
import type { Catalogue } from '#contracts/model.ts'
import type { Policy } from '#contracts/policy.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { readHomePolicy } from '../home-policy.ts'
import { createKnownModels, type KnownModels, type KnownResidents } from '../known-models.ts'
import { createLog, type Log } from '../log.ts'
import { loadCatalogue } from '../models/catalogue.ts'
import { createModelStore, type ModelStore } from '../models/store/store.ts'

export type LocalModels = { catalogue: Catalogue; store: ModelStore; known: KnownModels; policy: Policy; log: Log }

/** Catalogue and weights of the home folder, looked at from this process. No worker runs here, so nothing is ever loaded. */
export function openLocalModels(config: Config, signal?: AbortSignal): LocalModels {
  const folder = join(config.home, 'models')
  const log = createLog({ level: 'silent' })
  const catalogue = loadCatalogue({ extraFile: join(folder, 'catalogue.json') })
  const store = createModelStore({ folder, catalogue, shared: config.sharedStores, log })
  const policy = readHomePolicy(config)
  const known = createKnownModels({
    config,
    catalogue,
    store,
    residents: noWorkers,
    policy: () => policy,
    ...(signal === undefined ? {} : { signal }),
    log
  })
  return { catalogue, store, known, policy, log }
}

const refuse = (): never => {
  throw new AppError('model_not_ready', 'models are loaded by a running server only')
}
const noWorkers: KnownResidents = {
  ensure: refuse,
  load: async () => refuse(),
  unload: async () => {},
  stateOf: () => undefined,
  serves: () => false,
  waitOf: () => undefined,
  refusalOf: () => undefined
}
