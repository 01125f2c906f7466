import type { PlanTask } from '#contracts/plan.ts'
import type { GraphEdge, GraphNode, PlanGraph } from '#contracts/plan-views.ts'
import type { PlanInspection } from '../plan-engine.ts'
import { parseReference } from '../protocol/reference.ts'
import { tellCompensation } from './compensation-story.ts'
import { eventsByTask, serviceOf } from './plan-parts.ts'
import { tellTask } from './task-story.ts'

const dataNode = 'task0'

/** Tasks of a plan and what goes from one to another, as they stand. Empty for an action without a plan. `now`: Unix milliseconds. */
export function toGraph({ record, events, services }: PlanInspection, now: number): PlanGraph {
  const { plan } = record
  if (plan === null) return { nodes: [], edges: [], levels: [] }
  const edges = plan.tasks.flatMap(edgesTo)
  const levels = levelsOf(plan.tasks, edges)
  const byTask = eventsByTask(events)
  const nodes = plan.tasks.map((task): GraphNode => {
    const own = byTask.get(task.id) ?? []
    const story = tellTask(own)
    const sentAt = story.sendings[0]?.sentMs
    const service = serviceOf(task, services)
    return {
      type: 'task',
      id: task.id,
      level: levels.get(task.id) ?? 0,
      service: task.service,
      serviceName: service?.name ?? task.service,
      revertible: service?.revertible ?? false,
      approval: task.approval,
      state: story.state,
      compensation: tellCompensation(record, own)?.state ?? null,
      durationMs: sentAt === undefined ? null : (story.endAt ?? now) - sentAt
    }
  })
  if (edges.some(({ from }) => from === dataNode)) {
    nodes.unshift({ type: 'data', id: dataNode, level: 0, fields: Object.keys(plan.taskZero) })
  }
  const byLevel: string[][] = []
  for (const { id, level } of nodes) {
    byLevel[level] ??= []
    byLevel[level].push(id)
  }
  return { nodes, edges, levels: byLevel.filter((ids) => ids.length > 0) }
}

function edgesTo({ id, input }: PlanTask): GraphEdge[] {
  return Object.entries(input).flatMap(([name, value]) => {
    const reference = parseReference(value)
    return reference === undefined ? [] : [{ from: reference.task, field: reference.field, to: id, input: name }]
  })
}

/** Longest way from the data to each task. A plan that passed its checks has no cycles. */
function levelsOf(tasks: readonly PlanTask[], edges: readonly GraphEdge[]): ReadonlyMap<string, number> {
  const needs = new Map(tasks.map(({ id }) => [id, edges.filter(({ to }) => to === id).map(({ from }) => from)]))
  const levels = new Map<string, number>([[dataNode, 0]])
  const levelOf = (id: string): number => {
    const known = levels.get(id)
    if (known !== undefined) return known
    const level = 1 + Math.max(0, ...(needs.get(id) ?? []).map(levelOf))
    levels.set(id, level)
    return level
  }
  for (const { id } of tasks) levelOf(id)
  return levels
}
