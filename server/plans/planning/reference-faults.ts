import type { Json, JsonObject, Service } from '#contracts/plan.ts'
import { isTaskZero, parseReference, taskZeroId } from '../protocol/reference.ts'
import type { Finding } from './finding.ts'
import type { DraftTask } from './plan-draft.ts'
import { findCircle } from './plan-graph.ts'
import { propertiesOf } from './service-schema.ts'

/** References that lead nowhere, to what does not exist, or in a circle. */
export function findReferenceFaults(
  tasks: readonly DraftTask[],
  taskZero: JsonObject,
  serviceOf: (task: DraftTask) => Service | undefined
): Finding[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const known = [taskZeroId, ...byId.keys()]
  const findings = tasks.flatMap((task) =>
    Object.entries(task.input).flatMap(([input, value]): Finding[] => {
      if (typeof value !== 'string') {
        const refs = nestedReferences(value).filter((one) => known.includes(parseReference(one)?.task ?? ''))
        return refs.length === 0 ? [] : [{ kind: 'nested_reference', task: task.id, input, refs }]
      }
      if (!value.startsWith('$')) {
        // A reference inside a text would be sent as it stands.
        const found = (value.match(/\$[\w-]+\.\w+/g) ?? []).some((one) => known.includes(parseReference(one)?.task ?? ''))
        return found ? [{ kind: 'malformed_reference', task: task.id, input, value }] : []
      }
      const reference = parseReference(value)
      if (reference === undefined) return [{ kind: 'malformed_reference', task: task.id, input, value }]
      return findFault(task, input, value, reference.task, reference.field)
    })
  )
  const circle = findings.some(({ kind }) => kind === 'self_reference') ? [] : findCircle(tasks)
  return circle.length === 0 ? findings : [...findings, { kind: 'cyclic_reference', tasks: circle }]

  function findFault(task: DraftTask, input: string, reference: string, target: string, field: string): Finding[] {
    if (target === task.id) return [{ kind: 'self_reference', task: task.id, input, reference }]
    if (target === taskZeroId) {
      if (Object.hasOwn(taskZero, field)) return []
      return [{ kind: 'missing_field', task: task.id, input, reference, from: taskZeroId, has: Object.keys(taskZero) }]
    }
    const producer = byId.get(target)
    if (producer === undefined || isTaskZero(target)) return [{ kind: 'unknown_task', task: task.id, input, reference, known }]
    const service = serviceOf(producer)
    if (service === undefined) return []
    const outputs = propertiesOf(service.output)
    if (outputs.has(field)) return []
    if (/\$[\w-]+\./.test(field)) return [{ kind: 'malformed_reference', task: task.id, input, value: reference }]
    return [{ kind: 'missing_field', task: task.id, input, reference, from: target, service: service.id, has: [...outputs.keys()] }]
  }
}

function nestedReferences(value: Json): string[] {
  if (typeof value === 'string') return parseReference(value) === undefined ? [] : [value]
  if (Array.isArray(value)) return value.flatMap(nestedReferences)
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(nestedReferences) : []
}
