import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { toAppError } from '../../errors.ts'
import { verifyModel } from '../../models/store/verify.ts'
import { openLocalModels } from '../local-models.ts'
import type { Finding } from './finding.ts'

/** Whether what was pulled is whole, by its size, or by its hash (`deep`); and whether the default models are here. */
export async function checkWeights(config: Config, deep: boolean, show: (text: string) => void): Promise<Finding> {
  const check = 'weights'
  const { store, known, catalogue } = openLocalModels(config)
  const wanted: string[] = []
  for (const [variable, name, usual] of [
    ['OUTPOST_MODEL', config.model, catalogue.defaults.chat],
    ['OUTPOST_EMBEDDING_MODEL', config.embeddingModel, catalogue.defaults.embedding]
  ] as const) {
    // A file is looked at when it is taken into use.
    if (name?.toLowerCase().endsWith('.gguf')) continue
    try {
      wanted.push(known.resolve(name ?? usual).id)
    } catch (error) {
      return { check, state: 'broken', message: `${variable}: ${toAppError(error).message}`, advice: 'correct or unset this variable' }
    }
  }
  const here = store.list()
  const damaged = manifestIds(store.folder).filter((id) => !here.some(({ entry }) => entry.id === id))
  if (damaged.length > 0) {
    const message = `files of ${damaged.join(', ')} are missing or have the wrong size`
    return { check, state: 'broken', message, advice: damaged.map((id) => `outpost pull ${id}`).join(' && ') }
  }
  for (const model of deep ? here : []) {
    try {
      await verifyModel(model, {
        onProgress: ({ file, received, total }) => show(`reading ${file}: ${Math.floor((received / total) * 100)} %`)
      })
    } catch (error) {
      return { check, state: 'broken', message: toAppError(error).message }
    }
  }
  const ids = here.map(({ entry }) => entry.id)
  const message = ids.length === 0 ? 'none here yet' : `${ids.join(', ')} ${deep ? 'read again, every byte is right' : 'complete'}`
  const missing = known.list().filter(({ id, state }) => state === 'absent' && wanted.includes(id))
  if (missing.length === 0) return { check, state: 'fine', message }
  return {
    check,
    state: 'warning',
    message: `${message}; ${missing.map(({ id }) => id).join(', ')} to be pulled at the first start`,
    advice: missing.map(({ id }) => `outpost pull ${id}`).join('; ')
  }
}

function manifestIds(folder: string): string[] {
  try {
    return readdirSync(join(folder, 'manifests'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => decodeURIComponent(name.slice(0, -'.json'.length)))
  } catch {
    return []
  }
}
