import { AppError } from '../errors.ts'
import { isBusy, mayGoAt, type Refusal, type ResidencyRules, type Resident } from './residency.ts'

/** Milliseconds until a waiting model can answer, as far as its blockers tell; null while a running request may take any time. */
export function estimateWaitMs(
  blockers: readonly Resident[],
  known: { turnMs: number; now: number; runMsOf: (id: string) => number | undefined; loadMs: number }
): number | null {
  let longest = 0
  for (const blocker of blockers) {
    const runMs = blocker.running === 0 ? 0 : known.runMsOf(blocker.id)
    if (runMs === undefined) return null
    const turn = blocker.phase === 'ready' ? Math.max(0, mayGoAt(blocker, known.turnMs) - known.now) : 0
    longest = Math.max(longest, turn + runMs)
  }
  return Math.round(longest + known.loadMs)
}

/** `big waits for memory: small has 1 running request; the budget is 2.0 GB` */
export function waitReason(id: string, blockers: readonly Resident[], budget: number): string {
  const who = blockers.map((blocker) => {
    if (blocker.phase === 'loading') return `${blocker.id} is being loaded`
    if (blocker.running > 0) return `${blocker.id} has ${count(blocker.running, 'running request')}`
    return isBusy(blocker) ? `${blocker.id} has ${count(blocker.waiting, 'waiting request')}` : `${blocker.id} is being unloaded`
  })
  return `${id} waits for memory: ${who.join(', ')}; the budget is ${inUnits(budget)}`
}

export function refusalError(
  id: string,
  atLeast: number,
  refusal: Refusal,
  known: { rules: ResidencyRules; present: readonly Resident[]; estimate: (blockers: readonly Resident[]) => number | null }
): AppError {
  const { budget, longestWaitMs } = known.rules
  const needs = `${id} needs ${inUnits(atLeast)} of memory`
  switch (refusal.why) {
    case 'too-big':
      return new AppError(
        'insufficient_memory',
        `${needs}, and all models together may take ${inUnits(budget)}: take a smaller model, fewer slots (OUTPOST_SLOTS), or set OUTPOST_MEMORY_BUDGET`,
        { retryAfter: 3600 }
      )
    case 'pinned':
      return new AppError(
        'insufficient_memory',
        `${needs}, and the pinned models ${refusal.by.join(', ')} leave too little of the budget of ${inUnits(budget)}: an administrator can unpin one (outpost unpin ${refusal.by[0]})`,
        { retryAfter: 600 }
      )
    case 'waited': {
      const blockers = known.present.filter((resident) => refusal.for.includes(resident.id))
      const reason = waitReason(id, blockers, budget)
      const retryAfter = Math.max(1, Math.ceil((known.estimate(blockers) ?? longestWaitMs) / 1000))
      return new AppError(
        'insufficient_memory',
        `${reason}. It has waited ${Math.round(longestWaitMs / 1000)} s, the most allowed: try again in about ${retryAfter} s`,
        { retryAfter }
      )
    }
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function inUnits(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
