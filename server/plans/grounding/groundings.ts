import type { Grounding, Plan, Service, UseCase } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { GroundingStore } from '../../store/groundings.ts'
import type { TextVectorStore } from '../../store/text-vectors.ts'
import { optionalEmbedding } from '../cache/optional-embedding.ts'
import { rememberEmbeddings } from '../cache/remember-embeddings.ts'
import { cosineSimilarity } from '../cache/similarity.ts'
import type { Embed, GroundingHit } from '../planning/planner.ts'
import { checkGrounding, type GroundingReport } from './check-grounding.ts'
import { parseGrounding } from './grounding-spec.ts'
import { keepEmbeddings } from './keep-embeddings.ts'
import { bestUseCase, comparedText, type MatchOutcome, toOutcome, type Ungrounded } from './match-use-case.ts'
import { sameWordsShare } from './word-similarity.ts'

/** What is known of a project's domain, and what that means for an action and its plan. */
export type Groundings = {
  /** Throws `invalid_request` whose `param` is the field at fault, `conflict` (param `version`) for a version that is there. */
  apply(projectId: string, grounding: unknown): Grounding
  /** By name. */
  list(projectId: string): Grounding[]
  /** False: there is none of that name. */
  remove(projectId: string, name: string): boolean
  removeAll(projectId: string): void
  /** Which use case the action is one of, if any, and whether it may go on without. */
  match(projectId: string, action: string, signal?: AbortSignal): Promise<MatchOutcome>
  /** `services`: all of the project. */
  check(plan: Plan, services: Service[], hit: GroundingHit, signal?: AbortSignal): Promise<GroundingReport>
}

export function createGroundings(options: {
  store: GroundingStore
  vectors: TextVectorStore
  embed: Embed
  /** Id of the model behind `embed` at the moment. */
  embeddingModel: () => string
  ungrounded: Ungrounded
  log: Log
  now?: () => number
}): Groundings {
  const { store, vectors, embeddingModel, ungrounded, log, now = Date.now } = options
  const embed = optionalEmbedding(options.embed, log)
  const keptEmbed = keepEmbeddings({ store: vectors, embed, embeddingModel, now })
  const embedAction = rememberEmbeddings(embed, embeddingModel)

  // Only this process writes them, and every action asks for them.
  const byProject = new Map<string, Grounding[]>()
  const compared = new WeakMap<UseCase, string>()

  function known(projectId: string): Grounding[] {
    const groundings = byProject.get(projectId) ?? store.list(projectId)
    byProject.set(projectId, groundings)
    return groundings
  }

  function textOf(useCase: UseCase): string {
    const text = compared.get(useCase) ?? comparedText(useCase.action)
    compared.set(useCase, text)
    return text
  }

  return {
    apply(projectId, value) {
      const grounding = parseGrounding(value)
      const { name, version } = grounding
      if (store.find(projectId, name)?.version === version) {
        // The words before name and version are what existing clients look for.
        const message = `this project already has a grounding with name ${name} and version ${version}; give the changed one another version`
        throw new AppError('conflict', message, { param: 'version' })
      }
      store.put(projectId, grounding, now())
      byProject.delete(projectId)
      return grounding
    },
    list: (projectId) => known(projectId),
    remove(projectId, name) {
      byProject.delete(projectId)
      return store.remove(projectId, name)
    },
    removeAll(projectId) {
      byProject.delete(projectId)
      store.removeAll(projectId)
    },

    async match(projectId, action, signal) {
      const groundings = known(projectId)
      if (groundings.length === 0) return { type: 'none' }
      const asked = comparedText(action)
      const texts = groundings.flatMap(({ useCases }) => useCases.map((useCase) => textOf(useCase)))
      const [vector, others] = await Promise.all([embedAction(asked, signal), keptEmbed(texts, signal)])
      const vectorOf = new Map(texts.map((text, index) => [text, others?.[index]]))
      const hit = bestUseCase(groundings, (useCase) => {
        const text = textOf(useCase)
        const other = vectorOf.get(text)
        return vector === undefined || other === undefined ? sameWordsShare(asked, text) : cosineSimilarity(vector, other)
      })
      return toOutcome(groundings, hit, ungrounded)
    },
    check: (plan, services, hit, signal) => checkGrounding(plan, services, hit, keptEmbed, signal)
  }
}
