import type { ModelState, ModelStatus } from '#contracts/model.ts'
import type { Sorting } from '../../ui/sorting.ts'
import type { StateTone } from '../../ui/state-tone.ts'

export const filterNames = ['all', 'here', 'loaded', 'chat', 'embedding'] as const
export type Filter = (typeof filterNames)[number]
export type Column = 'name' | 'size' | 'state'

const filters: Record<Filter, (model: ModelStatus) => boolean> = {
  all: () => true,
  here: ({ state }) => state !== 'absent' && state !== 'pulling',
  loaded: ({ state }) => state === 'ready' || state === 'loading',
  chat: ({ kind }) => kind === 'chat',
  embedding: ({ kind }) => kind === 'embedding'
}

/** In what order states stand: what serves first. */
const rank: Record<ModelState, number> = { ready: 0, loading: 1, failed: 2, pulling: 3, present: 4, unsupported: 5, absent: 6 }

export const tones: Record<ModelState, StateTone> = {
  ready: 'good',
  loading: 'busy',
  pulling: 'busy',
  present: 'quiet',
  absent: 'none',
  failed: 'bad',
  unsupported: 'warn'
}

/** What the filter and every word of the search leave, in the catalogue's order unless it is sorted. */
export function listModels(models: readonly ModelStatus[], filter: Filter, search: string, sorting: Sorting<Column> | undefined): ModelStatus[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const found = models.filter((model) => filters[filter](model) && words.every((word) => textOf(model).includes(word)))
  if (sorting === undefined) return found
  const sign = sorting.descending ? -1 : 1
  return found.sort((one, other) => sign * compare[sorting.column](one, other) || one.id.localeCompare(other.id))
}

export const countOf = (models: readonly ModelStatus[], filter: Filter): number => models.filter(filters[filter]).length

export type Order = 'pull' | 'stop' | 'load' | 'unload' | 'remove'

/** What can be done to a model in this state; who may is another question. What has no weights of its own cannot be removed. */
export function ordersFor({ state, size }: Pick<ModelStatus, 'state' | 'size'>): Order[] {
  return ordersByState[state].filter((order) => order !== 'remove' || size > 0)
}

const ordersByState: Record<ModelState, readonly Order[]> = {
  absent: ['pull'],
  pulling: ['stop'],
  present: ['load', 'remove'],
  loading: ['unload'],
  ready: ['unload', 'remove'],
  failed: ['load', 'remove'],
  unsupported: ['remove']
}

const compare: Record<Column, (one: ModelStatus, other: ModelStatus) => number> = {
  name: (one, other) => one.name.localeCompare(other.name),
  size: (one, other) => one.size - other.size,
  state: (one, other) => rank[one.state] - rank[other.state]
}

function textOf({ id, name, aliases, kind, uses, licence, engine }: ModelStatus): string {
  return [id, name, ...aliases, kind, ...uses, licence, engine].join(' ').toLowerCase()
}
