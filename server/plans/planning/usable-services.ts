import type { JsonObject, Service } from '#contracts/plan.ts'
import { constantForm } from './constant-form.ts'
import type { Finding } from './finding.ts'
import { isRequired, mayFeed, propertiesOf, typeName, whyNotValue } from './service-schema.ts'

/** Services that some plan of this action could use, and what the others lack: an input that neither the data, nor a constant, nor an output of a usable service can fill. */
export function findUsable(
  services: readonly Service[],
  data: JsonObject,
  action: string,
  options: { mayInvent: boolean }
): { usable: Service[]; findings: Finding[] } {
  const usable = new Set<Service>()
  const values = Object.values(data)
  const lacks = (service: Service) =>
    [...propertiesOf(service.input)].filter(([input, schema]) => {
      if (!isRequired(service.input, input) || constantForm(input, schema, action, options) !== undefined) return false
      if (values.some((value) => whyNotValue(value, schema) === undefined)) return false
      for (const giver of usable) for (const given of propertiesOf(giver.output).values()) if (mayFeed(given, schema)) return false
      return true
    })
  for (let before = -1; before < usable.size; ) {
    before = usable.size
    for (const service of services) if (!usable.has(service) && lacks(service).length === 0) usable.add(service)
  }
  const findings = services
    .filter((service) => !usable.has(service))
    .flatMap((service) =>
      lacks(service).map(
        ([input, schema]): Finding => ({ kind: 'no_source', task: '', service: service.id, input, type: typeName(schema), givers: [] })
      )
    )
  return { usable: services.filter((service) => usable.has(service)), findings }
}
