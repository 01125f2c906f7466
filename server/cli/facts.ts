import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { createModelFacts, type ModelFacts } from '../model-facts.ts'
import { createDescriptions } from '../models/inspect/descriptions.ts'
import { findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'

export type Facts = Omit<ModelFacts, 'glance'>

/** From this machine's files and memory, by any name of a model; from the server where `OUTPOST_URL` names one. */
export async function openFacts(config: Config): Promise<Facts> {
  const client = config.url === undefined ? undefined : await findServer(config)
  if (client === undefined) {
    const { catalogue, store, known, log } = openLocalModels(config)
    const facts = createModelFacts({ entries: catalogue.models, store, descriptions: createDescriptions({ folder: store.folder, log }) })
    return {
      ...facts,
      describe: async (name) => await facts.describe(known.resolve(name).id),
      fit: async (name, settings) => await facts.fit(known.resolve(name).id, { ...settings, slots: settings.slots ?? config.slots })
    }
  }
  const here = (path: string) =>
    new AppError('invalid_request', `${path} is a file of this machine, and OUTPOST_URL names another server: unset OUTPOST_URL, or name a model`)
  return {
    describe: async (id) => (await client.call('describeModel', { params: { id } })).description,
    fit: async (id, { contextWindow, slots, cacheType }) => {
      const { model: _, ...fit } = await client.call('fitModel', {
        params: { id },
        query: { context: contextWindow?.toString(), slots: slots?.toString(), cache: cacheType }
      })
      return fit
    },
    describeFile: async (path) => {
      throw here(path)
    },
    fitFile: async (path) => {
      throw here(path)
    }
  }
}
