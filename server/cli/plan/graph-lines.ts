import type { PlanGraph } from '#contracts/plan-api.ts'
import { harmless } from '../terminal.ts'

/** Each task in the order of levels, and below it where each of its fields goes. */
export function graphLines({ nodes, edges }: PlanGraph): string[] {
  if (nodes.length === 0) return ['There is no plan yet.']
  return nodes
    .toSorted((one, other) => one.level - other.level)
    .flatMap(({ id, name, level }) => [
      `${level}  ${harmless(id)} ${harmless(name)}`,
      ...edges.filter(({ from }) => from === id).map(({ field, to, input }) => `     ${harmless(field)} → ${harmless(to)}.${harmless(input)}`)
    ])
}
