import type { Json, JsonObject } from '#contracts/plan.ts'
import { taskZeroId, toReference } from '../protocol/reference.ts'
import { createConstants } from './constants.ts'
import type { DraftTask } from './plan-draft.ts'

/** Moves constants out of the tasks into task0 and puts references in their place, so that every input is a reference. Texts that begin with `$` stay. */
export function hoistLiterals(given: JsonObject, tasks: readonly DraftTask[]): { taskZero: JsonObject; tasks: DraftTask[] } {
  const constants = createConstants(given)
  const hoisted = tasks.map((task) => {
    const input = Object.entries(task.input).map(([name, value]): [string, Json] => [
      name,
      isReferenceLike(value) ? value : toReference(taskZeroId, constants.keep(name, value))
    ])
    return { ...task, input: Object.fromEntries(input) }
  })
  return { taskZero: constants.all(), tasks: hoisted }
}

function isReferenceLike(value: Json): boolean {
  return typeof value === 'string' && value.startsWith('$')
}
