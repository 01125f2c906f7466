import type { Service } from '#contracts/plan.ts'
import type { Finding } from './finding.ts'
import type { DraftTask } from './plan-draft.ts'
import { isRequired, propertiesOf, typeName } from './service-schema.ts'

/** Where a task's inputs are not those of its service: one that the service does not know, or one it needs and is not given. */
export function findInputMismatches(task: DraftTask, service: Pick<Service, 'id' | 'input'>): Finding[] {
  const declared = propertiesOf(service.input)
  const unsupported = Object.keys(task.input)
    .filter((input) => !declared.has(input))
    .map((input): Finding => ({ kind: 'unsupported_input', task: task.id, service: service.id, input, takes: [...declared.keys()] }))
  const missing = [...declared]
    .filter(([input]) => isRequired(service.input, input) && !Object.hasOwn(task.input, input))
    .map(([input, schema]): Finding => ({ kind: 'missing_input', task: task.id, service: service.id, input, type: typeName(schema) }))
  return [...missing, ...unsupported]
}
