import type { Lane } from '#contracts/job.ts'
import type { QueueStatus } from '#contracts/live.ts'
import type { ModelState, ModelStatus } from '#contracts/model.ts'
import type { StateTone } from '../../ui/state-tone.ts'

/** Who goes first, in this order. */
export const laneNames = ['interactive', 'planning', 'normal', 'batch'] as const satisfies readonly Lane[]

export const tones: Record<ModelState, StateTone> = {
  ready: 'good',
  loading: 'busy',
  pulling: 'busy',
  present: 'quiet',
  absent: 'none',
  failed: 'bad',
  unsupported: 'warn'
}

/** A request that waits or runs, as far as this client may know of it. */
export type LiveRequest = QueueStatus['jobs'][number]

/** `hidden`: taken by a request that this client is told nothing of. */
export type Slot = { type: 'free' } | { type: 'hidden' } | { type: 'request'; request: LiveRequest }

/** Those who wait in one lane; `hidden` counts those of whom only the number is known. */
export type LanePicture = { lane: Lane; requests: LiveRequest[]; hidden: number }

/** Who is served by a model and who waits for it. `elsewhere`: wait for it at other gateways, in whichever lane. */
export type ModelPicture = {
  id: string
  name: string
  model: ModelStatus | undefined
  running: number
  waiting: number
  slots: Slot[]
  lanes: LanePicture[]
  elsewhere: number
}

/** Every model that is loaded, or being loaded, or has requests, in the order of the list of models. */
export function drawQueues(models: readonly ModelStatus[], queues: readonly QueueStatus[]): ModelPicture[] {
  const queueOf = new Map(queues.map((queue) => [queue.model, queue]))
  const known = models
    .filter(({ id, state }) => state === 'ready' || state === 'loading' || isBusy(queueOf.get(id)))
    .map((model) => drawModel(model.id, model, queueOf.get(model.id)))
  const ids = new Set(models.map(({ id }) => id))
  const unknown = queues.filter((queue) => !ids.has(queue.model) && isBusy(queue)).map((queue) => drawModel(queue.model, undefined, queue))
  return [...known, ...unknown]
}

/** Taken out of line, though nothing of its answer has come yet. */
export const isStarting = ({ state, position }: LiveRequest): boolean => state === 'waiting' && position === null

/** A request that is still there, and the model it is for. */
export function findRequest(queues: readonly QueueStatus[], jobId: string | undefined): { request: LiveRequest; model: string } | undefined {
  for (const { model, jobs } of queues) {
    const request = jobs.find((job) => job.jobId === jobId)
    if (request !== undefined) return { request, model }
  }
  return undefined
}

const isBusy = (queue: QueueStatus | undefined): boolean => queue !== undefined && (queue.waiting > 0 || queue.running > 0 || queue.jobs.length > 0)

function drawModel(id: string, model: ModelStatus | undefined, queue: QueueStatus | undefined): ModelPicture {
  const jobs = [...(queue?.jobs ?? [])].sort(inLine)
  const running = queue?.running ?? 0
  const waiting = queue?.waiting ?? 0
  const started = jobs.filter(({ state }) => state === 'running')
  const starting = jobs.filter(isStarting).slice(0, Math.max(0, running - started.length))
  const placed = [...started, ...starting]
  const inLanes = jobs.filter((job) => !placed.includes(job))
  const lanes = laneNames.map((lane) => {
    const requests = inLanes.filter((job) => job.lane === lane)
    const startingHere = starting.filter((job) => job.lane === lane).length
    return { lane, requests, hidden: Math.max(0, (queue?.lanes[lane] ?? 0) - requests.length - startingHere) }
  })
  const counted = lanes.reduce((sum, { requests, hidden }) => sum + requests.length + hidden, 0)
  const slotCount = model?.state === 'ready' ? (model.slots ?? queue?.slots ?? 0) : 0
  return {
    id,
    name: model?.name ?? id,
    model,
    running,
    waiting,
    slots: slotsOf(placed, running, slotCount),
    lanes,
    elsewhere: Math.max(0, waiting - counted)
  }
}

function slotsOf(placed: LiveRequest[], running: number, count: number): Slot[] {
  const taken: Slot[] = placed.map((request) => ({ type: 'request', request }))
  const hidden = Array.from({ length: Math.max(0, running - placed.length) }, (): Slot => ({ type: 'hidden' }))
  const free = Array.from({ length: Math.max(0, count - taken.length - hidden.length) }, (): Slot => ({ type: 'free' }))
  return [...taken, ...hidden, ...free]
}

function inLine(one: LiveRequest, other: LiveRequest): number {
  return (one.position ?? 0) - (other.position ?? 0) || one.submittedAt - other.submittedAt || one.jobId.localeCompare(other.jobId)
}
