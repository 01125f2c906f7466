import type { PlanRecord, Service } from '#contracts/plan.ts'
import type { PlanSummary } from '#contracts/plan-api.ts'
import type { PlanInspection } from '../../plans/plan-engine.ts'
import { formatDuration } from './plan-durations.ts'

/** A plan as the original answers it. Absent: what it has not. */
export function toOrchestration(record: PlanRecord, services: Service[]): object {
  const { plan } = record
  return {
    id: record.id,
    projectID: record.projectId,
    action: { type: 'text', content: record.action },
    data: record.data,
    plan: plan === null ? null : { tasks: plan.tasks.map((task) => toTask(task, services)), parallel_groups: plan.parallelGroups },
    results: record.results,
    status: record.status,
    ...(record.failure === null ? {} : { error: record.failure.message }),
    timestamp: toTime(record.createdAt),
    timeout: formatDuration(record.timeoutMs * 1e6),
    healthCheckGracePeriod: formatDuration(record.gracePeriodMs * 1e6),
    taskZero: plan === null ? null : { id: 'task0', input: plan.taskZero },
    ...(record.abortPayload === null ? {} : { abortReason: record.abortPayload })
  }
}

const groupOf = {
  pending: 'pending',
  processing: 'processing',
  completed: 'completed',
  failed: 'failed',
  not_actionable: 'notActionable',
  aborted: 'aborted',
  cancelled: undefined
} as const

/** Plans by state, in the order given. Cancelled ones are not listed there. */
export function toOrchestrationList(summaries: PlanSummary[]): Record<string, object[]> {
  const groups: Record<string, object[]> = {}
  for (const { id, action, status, failure, createdAt, compensation } of summaries) {
    const group = groupOf[status]
    if (group === undefined) continue
    groups[group] ??= []
    groups[group].push({
      id,
      action,
      status,
      ...(failure === null ? {} : { error: failure.message }),
      timestamp: toTime(createdAt),
      ...(compensation === null ? {} : { compensation })
    })
  }
  return groups
}

/** A plan with its tasks, as the original shows it. Durations are nanoseconds. */
export function toInspection({ record, events, services }: PlanInspection): object {
  const outputs = new Map(events.flatMap((event) => (event.type === 'task-completed' ? [[event.task, event.output] as const] : [])))
  return {
    id: record.id,
    status: record.status,
    action: record.action,
    timestamp: toTime(record.createdAt),
    ...(record.failure === null ? {} : { error: record.failure.message }),
    ...(record.plan === null
      ? {}
      : {
          tasks: record.plan.tasks.map((task) => ({
            id: task.id,
            serviceId: task.service,
            serviceName: serviceOf(task.service, services)?.name ?? '',
            status: outputs.has(task.id) ? 'completed' : record.status,
            input: task.input,
            ...(outputs.has(task.id) ? { output: outputs.get(task.id) } : {})
          }))
        }),
    ...(record.results === null ? {} : { results: record.results }),
    duration: (record.changedAt - record.createdAt) * 1e6
  }
}

function toTask({ id, service, input }: NonNullable<PlanRecord['plan']>['tasks'][number], services: Service[]): object {
  const known = serviceOf(service, services)
  return {
    id,
    service,
    input,
    service_name: known?.name ?? '',
    capabilities: known === undefined ? [] : [known.description],
    expected_input: known?.input ?? null,
    expected_output: known?.output ?? null
  }
}

function serviceOf(id: string, services: Service[]): Service | undefined {
  return services.find((service) => service.id === id)
}

function toTime(at: number): string {
  return new Date(at).toISOString()
}
