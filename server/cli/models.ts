import type { ModelStatus } from '#contracts/model.ts'
import { AppError } from '../errors.ts'
import { nearNames } from '../models/catalogue.ts'

/** By id or alias, as the server would understand it. Throws `model_not_found` with near names. */
export function findModel(models: readonly ModelStatus[], name: string): ModelStatus {
  const wanted = name.toLowerCase()
  const found = models.find(({ id }) => id === wanted) ?? models.find(({ aliases }) => aliases.some((alias) => alias.toLowerCase() === wanted))
  if (found !== undefined) return found
  const near = nearNames(
    name,
    models.flatMap(({ id, aliases }) => [id, ...aliases])
  )
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'outpost list shows the models there are'
  throw new AppError('model_not_found', `there is no model ${JSON.stringify(name)}: ${hint}`)
}

/** Its state in words: `pulling 40 %`. */
export function stateText({ state, percent }: Pick<ModelStatus, 'state' | 'percent'>): string {
  return percent === null ? state : `${state} ${percent} %`
}
