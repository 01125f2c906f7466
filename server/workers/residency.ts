/** A model with a worker. Times are milliseconds of one clock. */
export type Resident = {
  id: string
  /** Memory it holds, or will when it has loaded. */
  bytes: number
  /** `stopping`: it takes nothing any more, and is gone when its running requests have ended. */
  phase: 'loading' | 'ready' | 'stopping'
  /** It takes no new requests, to make room; that can be taken back. */
  held: boolean
  /** Never unloaded to make room. */
  pinned: boolean
  running: number
  waiting: number
  lastUsedAt: number
  /** Since when it can answer. */
  readyAt: number
  loadMs: number
}

/** A model somebody wants that has no worker. */
export type Wish = {
  id: string
  /** Memory it takes if it is there. */
  bytes: number
  /** Memory without which it cannot run. */
  atLeast: number
  since: number
}

export type ResidencyRules = {
  /** Memory of all models together. */
  budget: number
  /** A busy model serves for so long before it makes room for another one. */
  turnMs: number
  /** Unloaded when it was not used for so long; undefined: never. */
  idleMs: number | undefined
  /** A wish that cannot be granted in this time is refused. */
  longestWaitMs: number
}

export type Refusal = { why: 'too-big' } | { why: 'pinned'; by: string[] } | { why: 'waited'; for: string[] }

export type ResidencyAction =
  | { type: 'start'; id: string; bytes: number }
  | { type: 'hold'; id: string }
  | { type: 'resume'; id: string }
  /** `madeFor` is undefined when it only was idle for too long. */
  | { type: 'evict'; id: string; madeFor: string | undefined }
  | { type: 'refuse'; id: string; refusal: Refusal }

export type ResidencyDecision = {
  actions: ResidencyAction[]
  /** Wish → the models that have to go first. */
  waitsFor: Map<string, Resident[]>
  /** When something changes by time alone. */
  wakeAt: number | undefined
}

/** A model that was swapped in stays as long as its loading took, at most this long: then half of the time at least goes into answers. */
const longestGraceMs = 30_000

/**
 * Who stays in memory, who goes, who comes. Wishes are granted in the order in which they came, so a large model is not kept out by small ones; a later
 * one may go before only with memory that the earlier ones do not need. Room is made by idle models first, then by the least recently used busy ones,
 * whose turn is over: they take no new requests, end the running ones, and come back when it is their turn again. So two models that are asked
 * alternately both get on, and each stays long enough for its loading to be worth it.
 */
export function decideResidency(residents: readonly Resident[], wishes: readonly Wish[], rules: ResidencyRules, now: number): ResidencyDecision {
  const actions: ResidencyAction[] = []
  const waitsFor = new Map<string, Resident[]>()
  const leaving = new Set<string>()
  const clock = createClock(now)
  const pinned = residents.filter((resident) => resident.pinned && resident.phase !== 'stopping')
  let free = rules.budget - sumOf(residents)
  /** What becomes free without anybody being asked to go. */
  let coming = sumOf(residents.filter(({ phase }) => phase === 'stopping'))

  for (const wish of wishes.toSorted((one, other) => one.since - other.since)) {
    const room = rules.budget - sumOf(pinned.filter(({ id }) => id !== wish.id))
    if (wish.atLeast > room) {
      const refusal: Refusal = wish.atLeast > rules.budget ? { why: 'too-big' } : { why: 'pinned', by: pinned.map(({ id }) => id) }
      actions.push({ type: 'refuse', id: wish.id, refusal })
      continue
    }
    const bytes = Math.min(wish.bytes, room)
    if (bytes <= free) {
      actions.push({ type: 'start', id: wish.id, bytes })
      free -= bytes
      continue
    }
    const candidates = residents.filter(({ id, phase, pinned: stays }) => phase === 'ready' && !stays && !leaving.has(id))
    const victims = chooseVictims(candidates, bytes - free - coming)
    const blockers = [...victims, ...residents.filter(({ phase }) => phase !== 'ready')]
    if (now - wish.since >= rules.longestWaitMs) {
      actions.push({ type: 'refuse', id: wish.id, refusal: { why: 'waited', for: blockers.map(({ id }) => id) } })
      continue
    }
    clock.at(wish.since + rules.longestWaitMs)
    waitsFor.set(wish.id, blockers)
    for (const victim of victims) {
      leaving.add(victim.id)
      const goesAt = mayGoAt(victim, rules.turnMs)
      if (goesAt > now) clock.at(goesAt)
      else if (victim.running === 0) actions.push({ type: 'evict', id: victim.id, madeFor: wish.id })
      else if (!victim.held) actions.push({ type: 'hold', id: victim.id })
    }
    // What is left over when this wish is granted is all that later ones may use.
    const spare = free + coming + sumOf(victims) - bytes
    free = Math.min(free, spare)
    coming = Math.max(0, spare - free)
  }

  for (const resident of residents) {
    if (resident.held && resident.phase === 'ready' && !leaving.has(resident.id)) actions.push({ type: 'resume', id: resident.id })
    if (rules.idleMs === undefined || resident.phase !== 'ready' || resident.pinned || isBusy(resident) || leaving.has(resident.id)) continue
    const goesAt = resident.lastUsedAt + rules.idleMs
    if (goesAt > now) clock.at(goesAt)
    else actions.push({ type: 'evict', id: resident.id, madeFor: undefined })
  }
  return { actions, waitsFor, wakeAt: clock.next }
}

/** From when on a model may be asked to make room. */
export function mayGoAt(resident: Resident, turnMs: number): number {
  const graceMs = Math.min(resident.loadMs, longestGraceMs)
  return resident.readyAt + (isBusy(resident) ? Math.max(turnMs, graceMs) : graceMs)
}

export function isBusy({ running, waiting }: Pick<Resident, 'running' | 'waiting'>): boolean {
  return running + waiting > 0
}

/** Idle ones first, then the least recently used; none that is not needed. Fewer bytes than wanted when there are no more: what still loads comes later. */
function chooseVictims(candidates: Resident[], bytes: number): Resident[] {
  const chosen: Resident[] = []
  let found = 0
  for (const candidate of candidates.toSorted((one, other) => Number(isBusy(one)) - Number(isBusy(other)) || one.lastUsedAt - other.lastUsedAt)) {
    if (found >= bytes) break
    chosen.push(candidate)
    found += candidate.bytes
  }
  for (const victim of chosen.toReversed()) {
    if (found - victim.bytes < bytes) continue
    chosen.splice(chosen.indexOf(victim), 1)
    found -= victim.bytes
  }
  return chosen
}

function sumOf(residents: readonly Resident[]): number {
  return residents.reduce((sum, { bytes }) => sum + bytes, 0)
}

function createClock(now: number): { at(time: number): void; readonly next: number | undefined } {
  let next: number | undefined
  return {
    at(time) {
      if (time > now) next = Math.min(next ?? time, time)
    },
    get next() {
      return next
    }
  }
}
