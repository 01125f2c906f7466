import { isExactTaskZeroReference, isTaskZero, parseReference, taskZeroReferencesIn } from '../protocol/reference.ts'
import type { Finding } from './finding.ts'
import type { PlanDraft } from './plan-draft.ts'

type CompositeReference = Extract<Finding, { kind: 'composite_reference' }>

/** Inputs that hold a reference to task0 together with other text or other references. Runs before constants are moved, which would hide them. */
export function findCompositeReferences(draft: PlanDraft): CompositeReference[] {
  const taskZero = draft.tasks.find(({ id }) => isTaskZero(id))
  return draft.tasks
    .filter(({ id }) => !isTaskZero(id))
    .flatMap((task) =>
      Object.entries(task.input).flatMap(([input, value]): CompositeReference[] => {
        if (typeof value !== 'string' || isExactTaskZeroReference(value)) return []
        const refs = taskZeroReferencesIn(value)
        // A field of the action's data may have any name, dots and blanks included.
        const field = parseReference(value)?.field
        if (refs.length === 0 || (value.startsWith('$task0.') && field !== undefined && Object.hasOwn(taskZero?.input ?? {}, field))) return []
        const form = refs.length > 1 ? 'multiple_refs' : 'ref_with_extra_text'
        return [{ kind: 'composite_reference', task: task.id, input, form, refs, value }]
      })
    )
}
