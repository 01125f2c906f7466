import type { PlanGraph } from '#contracts/plan-api.ts'
import type { PlanInspection } from '../../plans/plan-engine.ts'

/** Nodes by level, edges by input. Only tasks that are there are named in a plan that passed its checks. */
export function toPlanGraph({ record: { plan }, services }: PlanInspection): PlanGraph {
  if (plan === null) return { nodes: [], edges: [] }
  const edges = plan.tasks.flatMap(({ id, input }) =>
    Object.entries(input).flatMap(([name, value]) => {
      const [, from, field] = /^\$([^.]+)\.(.+)$/s.exec(value) ?? []
      return from === undefined || field === undefined ? [] : [{ from, to: id, field, input: name }]
    })
  )
  const levels = new Map([['task0', 0]])
  // References go to earlier tasks only, so one pass in order finds every level.
  for (const { id } of plan.tasks) levels.set(id, 1 + Math.max(0, ...edges.filter(({ to }) => to === id).map(({ from }) => levels.get(from) ?? 0)))
  return {
    nodes: [
      { id: 'task0', service: null, name: 'data of the action', level: 0 },
      ...plan.tasks.map(({ id, service }) => ({
        id,
        service,
        name: services.find((known) => known.id === service)?.name ?? service,
        level: levels.get(id) ?? 1
      }))
    ],
    edges
  }
}
