import type { ActionParameter, Diagnosis, JsonObject, Plan, PlanTask, Service } from '#contracts/plan.ts'
import { isTaskZero, parseReference } from '../protocol/reference.ts'
import { toDataObject } from './action-data.ts'
import { findCompositeReferences } from './composite-references.ts'
import { diagnose } from './diagnosis.ts'
import { detailAfter, type Finding } from './finding.ts'
import { wordFinding } from './finding-words.ts'
import { hoistLiterals } from './hoist-literals.ts'
import type { DraftTask, PlanDraft } from './plan-draft.ts'
import { groupTasks, sortTasks } from './plan-graph.ts'
import { findReferenceFaults } from './reference-faults.ts'
import { findInputMismatches } from './task-inputs.ts'
import { findMissingParameters } from './task-zero-parameters.ts'
import { findTypeFaults } from './type-faults.ts'

export type Validation =
  | { type: 'valid'; plan: Plan }
  /** The plan itself says that the services cannot do it. */
  | { type: 'not-actionable'; reason: string }
  /** Everything that the first failing stage found. `messages`: one each, as detailed as the number of failures asks for. */
  | { type: 'invalid'; findings: Finding[]; messages: string[]; diagnosis: Diagnosis }

export type ValidationQuestion = {
  draft: PlanDraft
  data: readonly ActionParameter[]
  services: readonly Service[]
  /** Attempts that failed before this one. */
  failedAttempts: number
}

/**
 * Every check a plan must pass before it runs, in stages; the same for a plan that a model wrote, one made by hand, and one out of the cache. A valid plan has its
 * tasks in an order in which each comes after those it refers to, and the action's data in task0 exactly as they were given, whatever the draft says of them.
 */
export function validatePlan({ draft, data, services, failedAttempts }: ValidationQuestion): Validation {
  const final = draft.tasks.find(({ id }) => id.toLowerCase() === 'final')
  if (final !== undefined) return { type: 'not-actionable', reason: reasonOf(final) }

  const given = toDataObject(data)
  const tasks = draft.tasks.filter(({ id }) => !isTaskZero(id))
  const byId = new Map(services.map((service) => [service.id.toLowerCase(), service]))
  const serviceOf = (task: DraftTask) => byId.get(task.service ?? '')
  const taskZero: JsonObject = { ...draft.tasks.find(({ id }) => isTaskZero(id))?.input, ...given }

  const stages: (() => Finding[])[] = [
    () => findShapeFaults(draft, tasks),
    () => {
      const missing = findMissingParameters(draft, data)
      return missing === 'task0_absent' ? [{ kind: 'task0_absent' }] : missing
    },
    () => findCompositeReferences(draft),
    () => tasks.flatMap((task) => findServiceFaults(task, serviceOf(task), services)),
    () => findReferenceFaults(tasks, taskZero, serviceOf),
    () => findTypeFaults(tasks, { taskZero, data: given, serviceOf })
  ]
  for (const stage of stages) {
    const findings = stage()
    if (findings.length === 0) continue
    const detail = detailAfter(failedAttempts)
    const messages = findings.map((finding) => wordFinding(finding, detail, services))
    return { type: 'invalid', findings, messages, diagnosis: diagnose(findings, { services, data }) }
  }

  const hoisted = hoistLiterals(taskZero, tasks)
  const sorted = sortTasks(hoisted.tasks)
  return {
    type: 'valid',
    plan: {
      taskZero: hoisted.taskZero,
      tasks: sorted.map((task) => toPlanTask(task, serviceOf(task))),
      parallelGroups: groupTasks(sorted)
    }
  }
}

function reasonOf({ input }: DraftTask): string {
  const error = input['error']
  return typeof error === 'string' && error.trim() !== '' ? error.trim() : 'the model says that the services cannot do this, and not why'
}

function findShapeFaults(draft: PlanDraft, tasks: readonly DraftTask[]): Finding[] {
  const findings: Finding[] = []
  const zeros = draft.tasks.filter(({ id }) => isTaskZero(id))
  if (zeros.length === 0) findings.push({ kind: 'task0_absent' })
  if (zeros.length > 1) findings.push({ kind: 'several_task0', count: zeros.length })
  for (const { service } of zeros) if (service !== undefined) findings.push({ kind: 'task0_has_service', service })
  if (tasks.length === 0) findings.push({ kind: 'no_tasks' })
  const counts = new Map<string, number>()
  for (const { id, service } of tasks) {
    counts.set(id.toLowerCase(), (counts.get(id.toLowerCase()) ?? 0) + 1)
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) findings.push({ kind: 'invalid_task_id', task: id })
    if (service === undefined) findings.push({ kind: 'task_without_service', task: id })
  }
  for (const [task, count] of counts) if (count > 1) findings.push({ kind: 'duplicate_task_id', task, count })
  return findings
}

function findServiceFaults(task: DraftTask, service: Service | undefined, services: readonly Service[]): Finding[] {
  if (service !== undefined) return findInputMismatches(task, service)
  return [{ kind: 'unknown_service', task: task.id, service: task.service ?? '', known: services.map(({ id }) => id) }]
}

function toPlanTask(task: DraftTask, service: Service | undefined): PlanTask {
  if (service === undefined) throw new TypeError(`${task.id} has passed validation without a service`)
  // After hoisting every input is a reference.
  const input = Object.fromEntries(Object.entries(task.input).filter(([, value]) => parseReference(value) !== undefined)) as Record<string, string>
  return { id: task.id, service: service.id, serviceVersion: service.version, input, approval: service.approval }
}
