import type { LiveEvent, PlanNote, Readiness } from '#contracts/live.ts'
import type { ModelStatus } from '#contracts/model.ts'
import type { PullStatus } from '#contracts/pull.ts'
import type { AppError } from '../../errors.ts'
import type { QueueSnapshot } from '../../queue/dispatcher.ts'
import { createEventRing } from './event-ring.ts'
import { paced } from './paced.ts'

/** What happened somewhere in the server. `models` and `queues` say that it is worth looking again. */
export type Change = { type: 'models' } | { type: 'queues' } | { type: 'pull'; pull: PullStatus } | { type: 'plan'; plan: PlanNote }

/** An event before anything is kept from anybody; `error` is the stream's own. */
export type FeedEvent = Exclude<LiveEvent, { type: 'error' }>

/** What the console shows live: looks at models and queues when something has changed there, and only while somebody follows. */
export type LiveFeed = {
  /**
   * What came after this id, or everything as it is now (`reset`) where that is not known, then what comes. Resolves with how to stop that, once
   * the first part was told.
   */
  follow(afterId: string | undefined, listener: (event: FeedEvent, id: string) => void): Promise<() => void>
  close(): void
}

/** News of one kind come this often at most. */
const newsMs = 250
/** What was told is kept for who was away: minutes of an ordinary day, or a little more than a minute of a download. */
const ringSize = 500

export function createLiveFeed(sources: {
  models: () => ModelStatus[]
  pulls: () => PullStatus[]
  /** Throws while there is no queue. */
  queues: () => Promise<QueueSnapshot[]>
  notReady: () => AppError | undefined
  /** Calls back with every change. Returns how to stop that. */
  onChange: (listener: (change: Change) => void) => () => void
}): LiveFeed {
  const ring = createEventRing<FeedEvent>(ringSize)
  const listeners = new Set<(event: FeedEvent, id: string) => void>()
  let models = new Map<string, { text: string; model: ModelStatus }>()
  let queues: QueueSnapshot[] = []
  let queuesText = '[]'
  let readiness: Readiness = { ready: false, reason: null }
  const pulls = new Map<string, PullStatus>()

  const tell = (event: FeedEvent) => {
    const id = ring.add(event)
    for (const listener of [...listeners]) listener(event, id)
  }

  const lookAtReadiness = () => {
    const next = readinessOf(sources.notReady())
    if (JSON.stringify(next) === JSON.stringify(readiness)) return
    readiness = next
    tell({ type: 'readiness', readiness })
  }

  const lookAtModels = () => {
    lookAtReadiness()
    const before = models
    models = new Map(sources.models().map((model) => [model.id, { text: JSON.stringify(model), model }]))
    for (const [id, { text, model }] of models) if (before.get(id)?.text !== text) tell({ type: 'model', model })
    for (const id of before.keys()) if (!models.has(id)) tell({ type: 'model-gone', id })
  }

  const lookAtQueues = async () => {
    lookAtReadiness()
    // Redis being away is told by the readiness; the last picture stays.
    const seen = await sources.queues().catch(() => undefined)
    if (seen === undefined) return
    const next = seen.filter(({ waiting, running, jobs }) => waiting > 0 || running > 0 || jobs.length > 0)
    const text = JSON.stringify(next, (key, value) => (key === 'etaMs' ? undefined : value))
    if (text === queuesText) return
    queues = next
    queuesText = text
    tell({ type: 'queues', queues })
  }

  const tellPulls = () => {
    for (const pull of pulls.values()) tell({ type: 'pull', pull })
    pulls.clear()
  }

  const modelNews = paced(lookAtModels, newsMs)
  const pullNews = paced(tellPulls, newsMs)
  // A job's end is heard of before the queue has put it away, so what was looked at is looked at once more.
  const secondLook = paced(() => void lookAtQueues(), newsMs)
  const queueNews = paced(() => void lookAtQueues().then(secondLook.ask), newsMs)

  const stopListening = sources.onChange((change) => {
    switch (change.type) {
      case 'plan':
        return tell({ type: 'plan', plan: change.plan })
      case 'pull':
        pulls.set(change.pull.model, change.pull)
        // An end is told at once, and what it ends is seen with it.
        if (change.pull.state !== 'running') tellPulls()
        else pullNews.ask()
        if (listeners.size > 0) modelNews.ask()
        return
      case 'models':
        if (listeners.size > 0) modelNews.ask()
        return
      case 'queues':
        if (listeners.size > 0) queueNews.ask()
    }
  })

  return {
    async follow(afterId, listener) {
      // Nobody may have looked for a while.
      lookAtModels()
      await lookAtQueues()
      const missed = afterId === undefined ? undefined : ring.after(afterId)
      if (missed === undefined) {
        const state = { readiness, models: [...models.values()].map(({ model }) => model), pulls: sources.pulls(), queues }
        listener({ type: 'reset', ...state }, ring.lastId)
      } else for (const { id, event } of missed) listener(event, id)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      stopListening()
      for (const news of [modelNews, pullNews, queueNews, secondLook]) news.stop()
    }
  }
}

function readinessOf(problem: AppError | undefined): Readiness {
  return { ready: problem === undefined, reason: problem === undefined ? null : { code: problem.code, message: problem.message } }
}
