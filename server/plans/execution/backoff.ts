/** Waits between attempts: `firstMs`, each twice the one before, at most `mostMs`, spread by ±10 % so that what failed together does not return together. */
export type Backoff = { firstMs: number; mostMs: number }

/** Of tasks, compensations, and planning. */
export const taskBackoff: Backoff = { firstMs: 2000, mostMs: 30_000 }
export const compensationBackoff: Backoff = { firstMs: 2000, mostMs: 60_000 }

/** Milliseconds after attempt number `attempt` (from 1) failed. `random`: 0 … 1. */
export function waitAfter(attempt: number, { firstMs, mostMs }: Backoff, random: number): number {
  const nominal = Math.min(mostMs, firstMs * 2 ** Math.min(30, attempt - 1))
  return Math.round(nominal * (0.9 + 0.2 * random))
}
