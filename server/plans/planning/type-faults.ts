import type { JsonObject, Service } from '#contracts/plan.ts'
import { isTaskZero, parseReference } from '../protocol/reference.ts'
import type { Finding } from './finding.ts'
import type { DraftTask } from './plan-draft.ts'
import { mayFeed, propertiesOf, typeName, whyNotValue } from './service-schema.ts'

/** Inputs that are given something of another type than they take: constants, data, and outputs of other tasks. */
export function findTypeFaults(
  tasks: readonly DraftTask[],
  { taskZero, data, serviceOf }: { taskZero: JsonObject; data: JsonObject; serviceOf: (task: DraftTask) => Service | undefined }
): Finding[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  return tasks.flatMap((task) => {
    const service = serviceOf(task)
    if (service === undefined) return []
    const inputs = propertiesOf(service.input)
    return Object.entries(task.input).flatMap(([input, value]): Finding[] => {
      const wanted = inputs.get(input)
      if (wanted === undefined) return []
      const reference = parseReference(value)
      if (reference === undefined || isTaskZero(reference.task)) {
        const held = reference === undefined ? value : (taskZero[reference.field] ?? null)
        const isData = reference !== undefined && Object.hasOwn(data, reference.field)
        // Only who sends the data may leave something open.
        const problem = held === null && !isData ? 'is null' : whyNotValue(held, wanted)
        return problem === undefined ? [] : [{ kind: 'wrong_value', task: task.id, service: service.id, input, problem, value, isData }]
      }
      const producer = byId.get(reference.task)
      const given = producer === undefined ? undefined : propertiesOf(serviceOf(producer)?.output ?? { type: 'object' }).get(reference.field)
      if (given === undefined || mayFeed(given, wanted)) return []
      const types = { given: typeName(given), wanted: typeName(wanted) }
      return [{ kind: 'wrong_type', task: task.id, service: service.id, input, reference: String(value), ...types }]
    })
  })
}
