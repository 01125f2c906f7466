import type { LiveEvent, QueueStatus, Readiness } from '#contracts/live.ts'
import type { ModelStatus } from '#contracts/model.ts'
import type { PullStatus } from '#contracts/pull.ts'

/** `connecting`: for the first time. `offline`: tried more than once in vain. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'offline'

/** The server as the console sees it now. Parts that did not change stay the same objects. */
export type LiveState = {
  connection: Connection
  /** Whether anything was heard yet; before that the rest is empty and says nothing. */
  known: boolean
  readiness: Readiness
  models: readonly ModelStatus[]
  pulls: ReadonlyMap<string, PullStatus>
  queues: readonly QueueStatus[]
}

export const nothingKnown: LiveState = {
  connection: 'connecting',
  known: false,
  readiness: { ready: false, reason: null },
  models: [],
  pulls: new Map(),
  queues: []
}

/** The state after an event. Plans are not part of it: whoever shows them asks again. */
export function applyLiveEvent(state: LiveState, event: LiveEvent): LiveState {
  switch (event.type) {
    case 'reset':
      return {
        ...state,
        known: true,
        readiness: event.readiness,
        models: event.models,
        pulls: new Map(event.pulls.map((pull) => [pull.model, pull])),
        queues: event.queues
      }
    case 'readiness':
      return { ...state, readiness: event.readiness }
    case 'model': {
      const isKnown = state.models.some(({ id }) => id === event.model.id)
      return {
        ...state,
        models: isKnown ? state.models.map((model) => (model.id === event.model.id ? event.model : model)) : [...state.models, event.model]
      }
    }
    case 'model-gone':
      return { ...state, models: state.models.filter(({ id }) => id !== event.id) }
    case 'pull':
      return { ...state, pulls: new Map(state.pulls).set(event.pull.model, event.pull) }
    case 'queues':
      return { ...state, queues: event.queues }
    default:
      return state
  }
}

/** What the corner of every page says of the requests: those that wait, and slots in use of those there are. */
export function loadOf({ models, queues }: Pick<LiveState, 'models' | 'queues'>): { waiting: number; running: number; slots: number } {
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)
  return {
    waiting: sum(queues.map(({ waiting }) => waiting)),
    running: sum(queues.map(({ running }) => running)),
    slots: sum(models.map(({ state, slots }) => (state === 'ready' ? (slots ?? 0) : 0)))
  }
}
