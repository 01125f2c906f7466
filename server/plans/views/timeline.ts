import type { PlanTimeline, TimelineCompensation, TimelineSending, TimelineTask } from '#contracts/plan-views.ts'
import type { PlanInspection } from '../plan-engine.ts'
import { parseReference } from '../protocol/reference.ts'
import { tellCompensation } from './compensation-story.ts'
import { eventsByTask, serviceOf } from './plan-parts.ts'
import { tellTask } from './task-story.ts'

/** What happened to a plan, with milliseconds from its start. `now`: Unix milliseconds. */
export function toTimeline({ record, events, services }: PlanInspection, now: number): PlanTimeline {
  const startedAt = events.find(({ type }) => type === 'plan-started')?.at ?? null
  const start = startedAt ?? record.createdAt
  const since = (at: number) => at - start
  const sinceOrNull = (at: number | null) => (at === null ? null : at - start)
  const fromStart = (sending: TimelineSending): TimelineSending => ({
    ...sending,
    sentMs: since(sending.sentMs),
    acceptedMs: sinceOrNull(sending.acceptedMs),
    endMs: sinceOrNull(sending.endMs)
  })
  const byTask = eventsByTask(events)
  const stories = new Map((record.plan?.tasks ?? []).map((task) => [task.id, { task, story: tellTask(byTask.get(task.id) ?? []) }]))

  const readyAt = (input: Record<string, string>): number | null => {
    let ready = start
    for (const value of Object.values(input)) {
      const needed = stories.get(parseReference(value)?.task ?? '')?.story
      if (needed === undefined) continue
      if (needed.state !== 'completed' || needed.endAt === null) return null
      ready = Math.max(ready, needed.endAt)
    }
    return startedAt === null ? null : ready
  }

  const tasks = [...stories.values()].map(
    ({ task, story }): TimelineTask => ({
      task: task.id,
      service: task.service,
      serviceName: serviceOf(task, services)?.name ?? task.service,
      state: story.state,
      readyMs: sinceOrNull(readyAt(task.input)),
      endMs: sinceOrNull(story.endAt),
      sendings: story.sendings.map(fromStart),
      waits: story.waits.map((wait) => ({ ...wait, fromMs: since(wait.fromMs), toMs: sinceOrNull(wait.toMs) })),
      interimResults: story.interimResults,
      lateResults: story.lateResults,
      error: story.error
    })
  )
  const compensations = [...stories.values()]
    .flatMap(({ task }) => {
      const story = tellCompensation(record, byTask.get(task.id) ?? [])
      return story === undefined ? [] : [{ task, story }]
    })
    .sort((one, other) => firstSentAt(one.story.sendings) - firstSentAt(other.story.sendings))
    .map(
      ({ task, story }): TimelineCompensation => ({
        task: task.id,
        serviceName: serviceOf(task, services)?.name ?? task.service,
        state: story.state,
        sendings: story.sendings.map(fromStart),
        endMs: sinceOrNull(story.endAt),
        error: story.error
      })
    )
  const isOver = record.status !== 'pending' && record.status !== 'processing'
  const endAt = isOver ? record.changedAt : now
  return {
    id: record.id,
    status: record.status,
    startedAt,
    planningMs: (startedAt ?? endAt) - record.createdAt,
    runMs: startedAt === null ? 0 : endAt - startedAt,
    cache: record.cache,
    tasks,
    compensations
  }
}

/** Those that were not sent yet come last. */
function firstSentAt([first]: TimelineSending[]): number {
  return first?.sentMs ?? Number.MAX_SAFE_INTEGER
}
