import type { CatalogueEntry } from '#contracts/model.ts'
import { AppError } from '../errors.ts'
import type { WorkerOrder } from './worker-protocol.ts'

type Loadable = Pick<WorkerOrder, 'kind' | 'engine'>

/** The parts of an entry that a worker is told. Throws `unsupported_feature` for a model that is only kept here, with the reason. */
export function loadable({ id, kind, engine }: CatalogueEntry): Loadable {
  if (engine === 'vllm')
    throw new AppError('unsupported_feature', `${id} is for vLLM, which this version does not run: its files are kept here, and nothing loads them`)
  if (kind === 'rerank')
    throw new AppError('unsupported_feature', `${id} puts documents in order, and this version has no endpoint for that: its files are kept here`)
  return { kind, engine }
}

/** Why a model cannot be loaded here, whatever is done; null: it can. */
export function whyNotLoadable(entry: CatalogueEntry): string | null {
  try {
    loadable(entry)
    return null
  } catch (error) {
    return (error as AppError).message // `loadable` throws nothing else.
  }
}
