import type { JsonObject } from '#contracts/plan.ts'
import { parseReference, taskZeroId, toReference } from '../protocol/reference.ts'
import { createConstants } from './constants.ts'
import type { DraftTask, PlanDraft } from './plan-draft.ts'
import type { Step } from './sources.ts'
import type { Choice, InputDecision } from './wiring.ts'

/**
 * The plan that the decisions and choices make. Constants go into task0 here and not into the tasks, because a text that begins with `$` would pass for a
 * reference there. Two tasks that would do the very same become one.
 */
export function buildDraft(options: {
  steps: readonly Step[]
  data: JsonObject
  decisions: readonly InputDecision[]
  choiceOf: (decision: Extract<InputDecision, { type: 'open' }>) => Choice | undefined
}): PlanDraft {
  const { steps, data, decisions, choiceOf } = options
  const constants = createConstants(data)
  /** Id of a step → id of its task. */
  const ids = new Map<string, string>()
  const known = new Map<string, string>()
  const tasks: DraftTask[] = []
  for (const step of steps) {
    const input = decisions.filter(({ task }) => task === step.id).flatMap((decision) => toInput(decision))
    const key = JSON.stringify([step.service.id, input])
    const same = known.get(key)
    const id = same ?? `task${tasks.length + 1}`
    ids.set(step.id, id)
    if (same !== undefined) continue
    known.set(key, id)
    tasks.push({ id, service: step.service.id.toLowerCase(), input: Object.fromEntries(input) })
  }
  return { tasks: [{ id: taskZeroId, service: undefined, input: constants.all() }, ...tasks], parallelGroups: null }

  function toInput(decision: InputDecision): [string, string][] {
    if (decision.type === 'missing') return []
    const choice = decision.type === 'settled' ? decision.choice : choiceOf(decision)
    if (choice === undefined) return []
    if (choice.type === 'constant') return [[decision.input, toReference(taskZeroId, constants.keep(decision.input, choice.value))]]
    const { task, field } = parseReference(choice.reference) ?? { task: taskZeroId, field: choice.reference }
    return [[decision.input, toReference(ids.get(task) ?? task, field)]]
  }
}
