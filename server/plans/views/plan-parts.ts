import type { LoggedPlanEvent, PlanTask, Service } from '#contracts/plan.ts'

/** An entry of the log that is about one task. */
export type TaskEvent = Extract<LoggedPlanEvent, { task: string }>

/** Entries by the task they are about, each in the log's order. */
export function eventsByTask(events: readonly LoggedPlanEvent[]): ReadonlyMap<string, TaskEvent[]> {
  const byTask = new Map<string, TaskEvent[]>()
  for (const event of events) {
    if (!('task' in event)) continue
    const known = byTask.get(event.task)
    if (known === undefined) byTask.set(event.task, [event])
    else known.push(event)
  }
  return byTask
}

/** The service of a task, in the version the plan was made with; undefined: it is not among these. */
export function serviceOf(task: PlanTask, services: readonly Service[]): Service | undefined {
  return services.find(({ id, version }) => id === task.service && version === task.serviceVersion)
}
