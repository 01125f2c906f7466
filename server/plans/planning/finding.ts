import type { Json } from '#contracts/plan.ts'

/** Something wrong with a plan. Tasks by their id, services by theirs; `input` is an input of the task's service. */
export type Finding =
  /** Nothing that can be read as a plan. */
  | { kind: 'unreadable'; problem: string }
  | { kind: 'task0_absent' }
  | { kind: 'several_task0'; count: number }
  | { kind: 'task0_has_service'; service: string }
  | { kind: 'no_tasks' }
  | { kind: 'task_without_service'; task: string }
  | { kind: 'invalid_task_id'; task: string }
  | { kind: 'duplicate_task_id'; task: string; count: number }
  /** `embeddedIn`: fields of task0 whose text seems to hold it. `services`: those the plan uses. */
  | { kind: 'missing_parameter'; parameter: string; embeddedIn: string[]; services: string[] }
  | { kind: 'composite_reference'; task: string; input: string; form: 'multiple_refs' | 'ref_with_extra_text'; refs: string[]; value: string }
  | { kind: 'malformed_reference'; task: string; input: string; value: string }
  | { kind: 'nested_reference'; task: string; input: string; refs: string[] }
  | { kind: 'unknown_service'; task: string; service: string; known: string[] }
  | { kind: 'unsupported_input'; task: string; service: string; input: string; takes: string[] }
  | { kind: 'missing_input'; task: string; service: string; input: string; type: string }
  | { kind: 'unknown_task'; task: string; input: string; reference: string; known: string[] }
  | { kind: 'self_reference'; task: string; input: string; reference: string }
  | { kind: 'cyclic_reference'; tasks: string[] }
  /** `from`: whose output or data has no such field. `service`: absent for task0. */
  | { kind: 'missing_field'; task: string; input: string; reference: string; from: string; service?: string; has: string[] }
  | { kind: 'wrong_type'; task: string; service: string; input: string; reference: string; given: string; wanted: string }
  | { kind: 'wrong_value'; task: string; service: string; input: string; problem: string; value: Json; isData: boolean }
  /** While planning in two phases: nothing that may be given to an input. */
  | { kind: 'no_source'; task: string; service: string; input: string; type: string; givers: string[] }
  /** What the domain of the action forbids or demands. */
  | { kind: 'domain'; problem: string }

/** How much a message says, by the number of attempts that failed before. */
export type Detail = 'simple' | 'explained' | 'developer_diagnostic'

export function detailAfter(failedAttempts: number): Detail {
  if (failedAttempts <= 0) return 'simple'
  return failedAttempts === 1 ? 'explained' : 'developer_diagnostic'
}
