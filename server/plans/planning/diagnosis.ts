import type { ActionParameter, Diagnosis, Service } from '#contracts/plan.ts'
import type { Finding } from './finding.ts'
import { wordFix, wordProblem } from './finding-words.ts'
import { propertiesOf } from './service-schema.ts'

/** What keeps an action from being planned, for who wrote the services: the root cause, where it lies, and what to change. */
export function diagnose(
  findings: readonly Finding[],
  { services, data }: { services: readonly Service[]; data: readonly ActionParameter[] }
): Diagnosis {
  const unplaced = data.filter(({ field }) => !services.some((service) => propertiesOf(service.input).has(field))).map(({ field }) => field)
  return {
    rootCause: rootCauseOf(findings),
    findings: [
      ...findings.map((finding) => ({ ...placeOf(finding), problem: wordProblem(finding, services) })),
      ...unplaced.map((field) => ({
        field,
        problem: `no service has an input called ${field}, so this value of the request has no place by its name`
      }))
    ],
    remedies: [...new Set(findings.map((finding) => wordFix(finding, services)))]
  }
}

function rootCauseOf(findings: readonly Finding[]): string {
  const kinds = new Set(findings.map(({ kind }) => kind))
  const has = (...some: Finding['kind'][]) => some.some((kind) => kinds.has(kind))
  if (has('missing_parameter'))
    return findings.some((finding) => finding.kind === 'missing_parameter' && finding.embeddedIn.length > 0)
      ? 'values of the request were embedded in the text of other fields, because no service takes them on their own'
      : 'values of the request are absent from the plan'
  if (has('composite_reference', 'malformed_reference', 'nested_reference'))
    return 'inputs of services would have to be put together from several values'
  if (has('no_source', 'missing_input')) return 'a service needs inputs that neither the request nor another service gives'
  if (has('unsupported_input')) return 'the plan gives a service inputs that its schema does not have'
  if (has('missing_field', 'wrong_type')) return 'what one service gives is not what the next one takes'
  if (has('wrong_value')) return 'a value does not fit the schema of the service that is to take it'
  if (has('unknown_service', 'no_tasks')) return 'no registered service does what the action asks for'
  if (has('domain')) return 'the plan breaks what its grounding demands'
  return 'the model did not write a usable plan'
}

function placeOf(finding: Finding): { service?: string; task?: string; field?: string } {
  return {
    ...('service' in finding && finding.service !== undefined ? { service: finding.service } : {}),
    ...('task' in finding ? { task: finding.task } : {}),
    ...('input' in finding ? { field: finding.input } : 'parameter' in finding ? { field: finding.parameter } : {})
  }
}
