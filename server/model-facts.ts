import type { CatalogueEntry } from '#contracts/model.ts'
import type { Fit, WeightsDescription } from '#contracts/weights.ts'
import { AppError } from './errors.ts'
import { gpuMemory } from './gpu-memory.ts'
import { type FitSettings, fitOf, fitOfEntry } from './models/fit/fit.ts'
import { machineMemory } from './models/fit/machine-memory.ts'
import type { Descriptions } from './models/inspect/descriptions.ts'
import { inspectWeights } from './models/inspect/inspect.ts'
import { type ModelStore, weightsNotHere } from './models/store/store.ts'

/** What is in a model's files, and whether it fits this machine. */
export type ModelFacts = {
  /** By id. Throws `model_not_ready` when its weights are not here. */
  describe(id: string): Promise<WeightsDescription>
  /** By id: from its header when it is here, else from the catalogue. */
  fit(id: string, settings: FitSettings): Promise<Fit>
  /** Of every model in a list, from the catalogue alone: no header is read for it. Undefined for a model without weights. */
  glance(ids: readonly string[], settings: FitSettings): Promise<(Fit | undefined)[]>
  /** The same of a file or folder that belongs to no model. */
  describeFile(path: string): Promise<WeightsDescription>
  fitFile(path: string, settings: FitSettings): Promise<Fit>
}

export function createModelFacts(options: {
  entries: readonly CatalogueEntry[]
  store: Pick<ModelStore, 'find'>
  descriptions: Descriptions
}): ModelFacts {
  const { entries, store, descriptions } = options
  const memory = async () => machineMemory(await gpuMemory())

  const find = (id: string) => {
    const local = store.find(id)
    return { local, entry: local?.entry ?? entries.find((candidate) => candidate.id === id) }
  }

  const describe = async (id: string): Promise<WeightsDescription> => {
    const local = store.find(id)
    if (local === undefined) throw weightsNotHere(id)
    return await descriptions.of(local)
  }
  const describeFile = (path: string) => inspectWeights(path)

  return {
    describe,
    describeFile,
    async fit(id, settings) {
      const { local, entry } = find(id)
      if (entry === undefined) throw new AppError('model_not_found', `there is no model ${id}`)
      if (entry.engine === 'fake') throw new AppError('unsupported_feature', `${id} has no weights, so it fits anywhere`)
      if (local === undefined) return fitOfEntry(entry, settings, await memory())
      const description = await descriptions.of(local)
      // The worker is told to use no more than the catalogue says.
      const contextWindow = settings.contextWindow ?? entry.contextWindow
      return fitOf(description, { ...settings, contextWindow }, await memory())
    },
    async glance(ids, settings) {
      const machine = await memory()
      return ids.map((id) => {
        const { local, entry } = find(id)
        if (entry === undefined || entry.engine === 'fake') return undefined
        // An adopted model has its size from the file, not from an entry.
        return fitOfEntry(local === undefined ? entry : { ...entry, files: local.files.map((file) => ({ ...file, sources: [] })) }, settings, machine)
      })
    },
    fitFile: async (path, settings) => fitOf(await describeFile(path), settings, await memory())
  }
}
