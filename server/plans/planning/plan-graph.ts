import type { Json } from '#contracts/plan.ts'
import { dependenciesOf } from '../protocol/reference.ts'

type Node = { id: string; input: Record<string, Json> }

/** Puts each task after those it refers to, and leaves the order as it is otherwise. Tasks in a circle are left out. */
export function sortTasks<Task extends Node>(tasks: readonly Task[]): Task[] {
  return layersOf(tasks).flat()
}

/** Ids of the tasks that a circle of references keeps from ever running. */
export function findCircle(tasks: readonly Node[]): string[] {
  const sorted = new Set(sortTasks(tasks).map(({ id }) => id))
  return tasks.flatMap(({ id }) => (sorted.has(id) ? [] : [id]))
}

/** Ids of the tasks that may run at the same time, in order. */
export function groupTasks(tasks: readonly Node[]): string[][] {
  return layersOf(tasks).map((layer) => layer.map(({ id }) => id))
}

function layersOf<Task extends Node>(tasks: readonly Task[]): Task[][] {
  const layers: Task[][] = []
  const known = new Set(tasks.map(({ id }) => id))
  const done = new Set<string>()
  let waiting = [...tasks]
  while (waiting.length > 0) {
    // References to tasks that are not there are other checks' business.
    const layer = waiting.filter((task) => dependenciesOf(task).every((id) => done.has(id) || !known.has(id)))
    if (layer.length === 0) break
    for (const { id } of layer) done.add(id)
    waiting = waiting.filter(({ id }) => !done.has(id))
    layers.push(layer)
  }
  return layers
}
