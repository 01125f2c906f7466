import { z } from 'zod'
import { Json, type JsonObject, type Plan } from '#contracts/plan.ts'
import { isTaskZero, taskZeroId } from '../protocol/reference.ts'
import { toObject } from './answer-text.ts'

/** A task as a model wrote it: an input is a reference or a constant. `service` is in lower case. */
export type DraftTask = { id: string; service: string | undefined; input: JsonObject }

/** A plan as a model wrote it, task0 among the tasks. Nothing in it is checked but its shape. */
export type PlanDraft = { tasks: DraftTask[]; parallelGroups: string[][] | null }

const DraftText = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      service: z
        .string()
        .nullish()
        .transform((id) => (id === null || id === undefined || id === '' ? undefined : id.toLowerCase())),
      input: z
        .record(z.string(), Json)
        .nullish()
        .transform((input) => input ?? {})
    })
  ),
  parallel_groups: z
    .array(z.array(z.string()))
    .nullish()
    // Said for people, and made anew from the references: what it says in another form is of no use.
    .catch(null)
})

/** Reads the plan format that models are asked for: `{"tasks":[{"id","service","input"}],"parallel_groups"}`. */
export function readPlanDraft(jsonText: string): { ok: true; draft: PlanDraft } | { ok: false; problem: string } {
  const value = toObject(jsonText)
  if (value === undefined) return { ok: false, problem: 'it is not a JSON object' }
  const parsed = DraftText.safeParse(value)
  if (parsed.success) return { ok: true, draft: { tasks: parsed.data.tasks, parallelGroups: parsed.data.parallel_groups ?? null } }
  const issue = parsed.error.issues[0]
  return { ok: false, problem: `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is not as it must be'}` }
}

/** `task0_absent`: there is none; `task0_has_service`: it must have none, because nobody carries it out. */
export type TaskZeroRead = { ok: true; input: JsonObject } | { ok: false; reason: 'unparseable' | 'task0_absent' | 'task0_has_service' }

/** The constants and data that a plan's text holds. */
export function readTaskZero(planText: string): TaskZeroRead {
  const read = readPlanDraft(planText)
  if (!read.ok) return { ok: false, reason: 'unparseable' }
  const taskZero = read.draft.tasks.find(({ id }) => isTaskZero(id))
  if (taskZero === undefined) return { ok: false, reason: 'task0_absent' }
  if (taskZero.service !== undefined) return { ok: false, reason: 'task0_has_service' }
  return { ok: true, input: taskZero.input }
}

/** A plan as a draft again, to be validated once more. */
export function toDraft(plan: Plan): PlanDraft {
  const tasks = plan.tasks.map(({ id, service, input }) => ({ id, service: service.toLowerCase(), input }))
  return { tasks: [{ id: taskZeroId, service: undefined, input: plan.taskZero }, ...tasks], parallelGroups: plan.parallelGroups }
}
