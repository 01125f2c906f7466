import type { JsonObject } from '#contracts/plan.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Results of the last day by what they are the results of, so that work sent again is answered and not done twice. */
export type FinishedWork = {
  keep(key: string, output: JsonObject): void
  find(key: string): JsonObject | undefined
}

/** Holds at most `entries` results with `characters` of JSON together; the oldest go first. `now`: Unix milliseconds. */
export function createFinishedWork({
  entries = 10_000,
  characters = 64 * 1024 * 1024,
  now = Date.now
}: {
  entries?: number
  characters?: number
  now?: () => number
} = {}): FinishedWork {
  // Kept as text: nobody who is given a result can change what the next one gets.
  const kept = new Map<string, { text: string; at: number }>()
  let held = 0

  function drop(key: string): void {
    held -= kept.get(key)?.text.length ?? 0
    kept.delete(key)
  }

  return {
    keep(key, output) {
      drop(key)
      const text = JSON.stringify(output)
      kept.set(key, { text, at: now() })
      held += text.length
      for (const [oldest, { at }] of kept) {
        if (kept.size <= entries && held <= characters && now() - at < dayMs) break
        drop(oldest)
      }
    },
    find(key) {
      const found = kept.get(key)
      if (found === undefined) return undefined
      if (now() - found.at < dayMs) return JSON.parse(found.text)
      drop(key)
      return undefined
    }
  }
}
