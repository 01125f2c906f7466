import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '#contracts/plan.ts'

/** What task0 holds while a plan is put together. */
export type Constants = {
  /**
   * Keeps a value and returns its key. What is there already is never overwritten: an equal value of the same name is shared, another one becomes `name_2`,
   * `name_3`, …
   */
  keep(name: string, value: Json): string
  all(): JsonObject
}

export function createConstants(given: JsonObject): Constants {
  // A map, because a constant may be called `__proto__`.
  const values = new Map(Object.entries(given))
  return {
    keep(name, value) {
      for (let number = 1; ; number++) {
        const key = number === 1 ? name : `${name}_${number}`
        if (!values.has(key)) values.set(key, value)
        else if (!isDeepStrictEqual(values.get(key), value)) continue
        return key
      }
    },
    all: () => Object.fromEntries(values)
  }
}
