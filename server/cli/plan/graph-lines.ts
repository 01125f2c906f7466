import type { PlanGraph } from '#contracts/plan-views.ts'
import { harmless } from '../terminal.ts'

/** Each task in the order of levels, and below it where each of its fields goes. */
export function graphLines({ nodes, edges }: PlanGraph): string[] {
  if (nodes.length === 0) return ['There is no plan yet.']
  return nodes
    .toSorted((one, other) => one.level - other.level)
    .flatMap((node) => [
      `${node.level}  ${harmless(node.id)} ${node.type === 'data' ? 'data of the action' : `${harmless(node.serviceName)}, ${node.state}`}`,
      ...edges.filter(({ from }) => from === node.id).map(({ field, to, input }) => `     ${harmless(field)} → ${harmless(to)}.${harmless(input)}`)
    ])
}
