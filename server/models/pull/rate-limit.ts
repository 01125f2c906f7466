import { setTimeout as wait } from 'node:timers/promises'

/** A budget of bytes a second for all threads that hold it. `spentUntil`: nanoseconds of the process's clock up to which it is spent. */
export type RateLimit = { bytesPerSecond: number; spentUntil: BigInt64Array<SharedArrayBuffer> }

/** So much may come at once after a pause. */
const burstNs = 50_000_000n

export function createRateLimit(bytesPerSecond: number): RateLimit {
  return { bytesPerSecond, spentUntil: new BigInt64Array(new SharedArrayBuffer(8)) }
}

/** Waits until every limit allows what was just received. */
export async function spend(limits: readonly RateLimit[], bytes: number, signal: AbortSignal): Promise<void> {
  let waitNs = 0n
  for (const limit of limits) {
    const ns = book(limit, bytes)
    if (ns > waitNs) waitNs = ns
  }
  if (waitNs > 0n) await wait(Number(waitNs / 1_000_000n), undefined, { signal })
}

function book({ bytesPerSecond, spentUntil }: RateLimit, bytes: number): bigint {
  const cost = BigInt(Math.ceil((bytes / bytesPerSecond) * 1e9))
  for (;;) {
    const now = process.hrtime.bigint()
    const before = Atomics.load(spentUntil, 0)
    const earliest = now - burstNs
    const after = (before > earliest ? before : earliest) + cost
    if (Atomics.compareExchange(spentUntil, 0, before, after) === before) return after - now
  }
}
