import { randomUUID } from 'node:crypto'
import type { ActionParameter, Plan } from '#contracts/plan.ts'
import { canonicalJson } from '../../canonical-json.ts'
import type { Log } from '../../log.ts'
import type { CachedPlan, PlanCacheStore } from '../../store/plan-cache.ts'
import type { Embed } from '../planning/planner.ts'
import { chooseEntries } from './choose-entry.ts'
import { KeptPlan, refill, toKeptPlan } from './kept-plan.ts'
import { compareMeaning } from './meaning.ts'
import { optionalEmbedding } from './optional-embedding.ts'
import type { CacheAnswer, PlanCache } from './plan-cache.ts'
import { rememberEmbeddings } from './remember-embeddings.ts'
import { shapeOf, toScope } from './scope.ts'
import type { Shape } from './shape.ts'
import { cosineSimilarity } from './similarity.ts'
import { differs, type Near, nearMiss, notEnough, plainMiss } from './verdicts.ts'

/** Above it a plan helps the model as an example. */
const exampleSimilarity = 0.75
/** Plans that are compared exactly. Rough order of so many is enough to have the best among them. */
const compared = 64
/** Values in the text of an action; one with more is a table, not something that comes again. */
const mostValues = 200
const oneDay = 24 * 60 * 60 * 1000

export type PlanCacheOptions = {
  store: PlanCacheStore
  embed: Embed
  /** Id of the model behind `embed` at the moment: vectors of different models are never compared. */
  embeddingModel: () => string
  log: Log
  now?: () => number
  maxAgeMs?: number
  /** Plans of one project; beyond it the least recently used goes. */
  maxEntries?: number
}

type Asked = { scope: string; shape: Shape; data: ActionParameter[] }
/** `reason`: why the best that was near enough could not be used. */
type Tried = { answer: CacheAnswer } | { answer: undefined; reason: string | undefined }

/**
 * The plan cache. A kept plan is used again for an action with the same words and other values, found without any embedding; or for one whose words
 * differ no more than `compareMeaning` allows and whose embedding is nearer than 0.95. Values go where provenance says, never by being equal.
 */
export function createPlanCache(options: PlanCacheOptions): PlanCache {
  const { store, embeddingModel, log, now = Date.now, maxAgeMs = oneDay, maxEntries = 1000 } = options
  const embedText = rememberEmbeddings(optionalEmbedding(options.embed, log), embeddingModel)

  /** The plan of an entry; one that this version cannot read leaves the cache. */
  function open(entry: CachedPlan): KeptPlan | undefined {
    const kept = KeptPlan.safeParse(JSON.parse(entry.body))
    if (kept.success) return kept.data
    log.warn({ entryId: entry.id, planId: entry.planId }, 'a cached plan of another version was dropped')
    store.remove(entry.id)
    return undefined
  }

  /** Puts the values into one entry. */
  function fit(entry: CachedPlan, { shape, data }: Asked): { ok: true; plan: Plan; sameWords: boolean } | { ok: false; reason: string } {
    const comparison = compareMeaning(entry.words, shape.words)
    if (comparison.type === 'different') return { ok: false, reason: differs(comparison) }
    const kept = open(entry)
    if (kept === undefined) return { ok: false, reason: 'the nearest plan was kept by another version' }
    const filled = refill(kept, shape, comparison.order, data)
    return filled.ok ? { ...filled, sameWords: comparison.type === 'same' } : filled
  }

  function tryAll(near: Near[], asked: Asked): Tried {
    const candidates = near.map(({ entry, similarity }) => ({
      id: entry.id,
      scope: entry.scope,
      similarity,
      ageMs: now() - entry.createdAt,
      fields: entry.fields
    }))
    const names = asked.data.map(({ field }) => field)
    const { hits, expired } = chooseEntries(candidates, { scope: asked.scope, fields: names }, maxAgeMs)
    for (const id of expired) store.remove(id)
    let reason: string | undefined
    for (const { entry, similarity } of near.filter(({ entry }) => hits.includes(entry.id)).sort(inOrderOf(hits))) {
      const result = fit(entry, asked)
      if (!result.ok) {
        reason ??= result.reason
        continue
      }
      store.noteHit(entry.id, now())
      const why = `${result.sameWords ? 'the same words as' : `${similarity.toFixed(2)} similar to`} “${entry.action}”`
      return {
        answer: { type: 'hit', plan: result.plan, entryId: entry.id, verdict: { outcome: 'hit', reason: why, planId: entry.planId, similarity } }
      }
    }
    return { answer: undefined, reason }
  }

  return {
    async look(question, signal) {
      const twice = repeated(question.data)
      if (twice !== undefined) return plainMiss(`the data has “${twice}” more than once, so its values cannot be told apart`)
      const shape = shapeOf(question)
      const values = shape.placeholders.length
      if (values > mostValues) return plainMiss(`the action has ${values} values in its text; plans are kept for at most ${mostValues}`)
      const asked = { scope: toScope(question), shape, data: question.data }
      const same = store.withKey(question.projectId, asked.scope, shape.key, compared).map((entry) => ({ entry, similarity: 1 }))
      const first = tryAll(same, asked)
      if (first.answer !== undefined) return first.answer

      const vector = await embedText(shape.text, signal)
      const near = vector === undefined ? same : compareAll(store.near(asked.scope, embeddingModel(), vector, compared), vector)
      const second = vector === undefined ? first : tryAll(near, asked)
      if (second.answer !== undefined) return second.answer

      const best = bestOf(near.filter(({ entry }) => now() - entry.createdAt < maxAgeMs))
      const example = best === undefined || best.similarity <= exampleSimilarity ? undefined : open(best.entry)
      if (best !== undefined && example !== undefined) return nearMiss(best, example.plan, first.reason ?? second.reason ?? notEnough(best, shape))
      if (vector === undefined)
        return plainMiss('no plan for an action in the same words; similar ones are not looked for, because no embedding model read it')
      if (store.hasKey(question.projectId, shape.key))
        return plainMiss('the services or the grounding have changed since an action in the same words was planned')
      return plainMiss('no similar action was planned with these services')
    },

    async keep(question, plan, planId, signal) {
      if (repeated(question.data) !== undefined) return
      const shape = shapeOf(question)
      if (shape.placeholders.length > mostValues) return
      const vector = await embedText(shape.text, signal)
      const { kept, fields } = toKeptPlan(plan, shape, question.data)
      const at = now()
      store.removeOld(question.projectId, at - maxAgeMs + 1)
      const evicted = store.insert(
        {
          id: randomUUID(),
          projectId: question.projectId,
          scope: toScope(question),
          key: shape.key,
          conditions: canonicalJson(kept.conditions),
          words: shape.words,
          fields,
          action: question.action,
          planId,
          body: JSON.stringify(kept),
          model: vector === undefined ? '' : embeddingModel(),
          vector,
          createdAt: at
        },
        maxEntries
      )
      if (evicted > 0) log.debug({ projectId: question.projectId, evicted }, 'least recently used plans left the cache')
    },

    drop: (entryId) => void store.remove(entryId),
    entries: (projectId) =>
      store.list(projectId).flatMap((entry) => {
        const tasks = open(entry)?.plan.tasks.length
        const { id, action, planId, fields, hits, createdAt, lastHitAt } = entry
        return tasks === undefined ? [] : [{ id, action, planId, fields, tasks, hits, createdAt, lastHitAt }]
      }),
    clear: (projectId) => store.clear(projectId)
  }
}

/** Exactly compared, in the order they were kept. */
function compareAll(entries: CachedPlan[], vector: Float32Array): Near[] {
  return entries.map((entry) => ({ entry, similarity: cosineSimilarity(entry.vector ?? [], vector) }))
}

function bestOf(near: Near[]): Near | undefined {
  return near.toSorted((one, other) => other.similarity - one.similarity)[0]
}

function inOrderOf(ids: string[]): (one: Near, other: Near) => number {
  return (one, other) => ids.indexOf(one.entry.id) - ids.indexOf(other.entry.id)
}

function repeated(data: ActionParameter[]): string | undefined {
  const names = data.map(({ field }) => field)
  return names.find((name, index) => names.indexOf(name) !== index)
}
