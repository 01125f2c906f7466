import { totalmem } from 'node:os'

/** Left to everything that is no model: the system, the gateway, Redis, the file cache. */
const reserveShare = 0.1
const smallestReserve = 512 * 2 ** 20

/**
 * Bytes that all models may take together where nobody set a budget: what is free now (of this machine, or of the container's limit), less a
 * reserve of a tenth of all memory. Taken once at the start, before anything is loaded.
 */
export function deriveMemoryBudget(
  free: number = process.availableMemory(),
  total: number = Math.min(totalmem(), process.constrainedMemory())
): number {
  return Math.max(0, Math.floor(free - Math.max(smallestReserve, total * reserveShare)))
}
