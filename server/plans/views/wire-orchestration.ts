import type { ActionParameter, Grounding, Json, JsonObject, PlanRecord, SchemaNode, Service } from '#contracts/plan.ts'
import { formatDuration } from '../protocol/durations.ts'
import type { WireStatus } from '../protocol/statuses.ts'
import { serviceOf } from './plan-parts.ts'
import { wireError, wireResults } from './wire-outcome.ts'

/** A plan as the protocol answers the request for it. Durations are in Go's text form, the timestamp is RFC 3339. */
export type WireOrchestration = {
  id: string
  projectID: string
  action: { type: string; content: string }
  data: ActionParameter[]
  plan: { tasks: WirePlanTask[]; parallel_groups: string[][] } | null
  results: Json[] | null
  status: WireStatus
  error?: Json
  timestamp: string
  timeout: string
  healthCheckGracePeriod: string
  taskZero: JsonObject | null
  groundingHit?: WireGroundingHit
  abortReason?: Json
}

/** A task with what its service says of itself. `capabilities`: its description. */
export type WirePlanTask = {
  id: string
  service: string
  input: JsonObject
  service_name: string
  capabilities: string[]
  expected_input: SchemaNode | null
  expected_output: SchemaNode | null
}

export type WireGroundingHit = { name: string; version: string; domain?: string; useCases?: Grounding['useCases']; constraints?: string[] }

/** `services`: those of the plan's tasks, in its versions. `grounding`: the one that applied, while it is still there. */
export function toWireOrchestration(record: PlanRecord, services: readonly Service[], grounding?: Grounding): WireOrchestration {
  const { plan, abortPayload } = record
  const error = wireError(record)
  return {
    id: record.id,
    projectID: record.projectId,
    action: { type: '', content: record.action },
    data: record.data,
    plan: plan === null ? null : { tasks: plan.tasks.map((task) => toTask(task, services)), parallel_groups: plan.parallelGroups },
    results: wireResults(record),
    status: record.status,
    ...(error === undefined ? {} : { error }),
    timestamp: new Date(record.createdAt).toISOString(),
    timeout: toText(record.timeoutMs),
    healthCheckGracePeriod: toText(record.gracePeriodMs),
    taskZero: plan?.taskZero ?? null,
    ...(record.grounding === null ? {} : { groundingHit: toGroundingHit(record.grounding, grounding) }),
    ...(abortPayload === null ? {} : { abortReason: abortPayload })
  }
}

function toTask(task: NonNullable<PlanRecord['plan']>['tasks'][number], services: readonly Service[]): WirePlanTask {
  const service = serviceOf(task, services)
  return {
    id: task.id,
    service: task.service,
    input: task.input,
    service_name: service?.name ?? task.service,
    capabilities: service === undefined ? [] : [service.description],
    expected_input: service?.input ?? null,
    expected_output: service?.output ?? null
  }
}

/** `hit`: `name@version#index`. A name has no `@` in it; a version may have anything. */
function toGroundingHit(hit: string, grounding: Grounding | undefined): WireGroundingHit {
  const [, name = hit, version = '', index] = /^([^@]*)@(.*)#(\d+)$/s.exec(hit) ?? []
  if (grounding?.name !== name || grounding.version !== version) return { name, version }
  const useCase = grounding.useCases[Number(index)]
  return { name, version, domain: grounding.domain, useCases: useCase === undefined ? [] : [useCase], constraints: grounding.constraints }
}

function toText(milliseconds: number): string {
  return formatDuration(milliseconds * 1_000_000)
}
