import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '#contracts/plan.ts'
import type { DraftTask } from './plan-draft.ts'
import { taskZeroId, toReference } from './reference.ts'

/**
 * Moves constants out of the tasks into task0 and puts references in their place, so that every input is a reference. What task0 has already is never
 * overwritten: an equal value of the same name is shared, another one becomes `name_2`, `name_3`, …
 */
export function hoistLiterals(given: JsonObject, tasks: readonly DraftTask[]): { taskZero: JsonObject; tasks: DraftTask[] } {
  // A map, because a constant may be called `__proto__`.
  const taskZero = new Map(Object.entries(given))
  const hoisted = tasks.map((task) => {
    const input = Object.entries(task.input).map(([name, value]) => [
      name,
      isReferenceLike(value) ? value : toReference(taskZeroId, keep(name, value))
    ])
    return { ...task, input: Object.fromEntries(input) as JsonObject }
  })
  return { taskZero: Object.fromEntries(taskZero), tasks: hoisted }

  function keep(name: string, value: Json): string {
    for (let number = 1; ; number++) {
      const key = number === 1 ? name : `${name}_${number}`
      if (!taskZero.has(key)) taskZero.set(key, value)
      else if (!isDeepStrictEqual(taskZero.get(key), value)) continue
      return key
    }
  }
}

function isReferenceLike(value: Json): boolean {
  return typeof value === 'string' && value.startsWith('$')
}
