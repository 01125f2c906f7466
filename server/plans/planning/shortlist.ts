import type { Service } from '#contracts/plan.ts'
import type { Relevance } from './relevance.ts'
import { describeService } from './service-labels.ts'
import { isRequired, propertiesOf } from './service-schema.ts'
import { givesSurely } from './sources.ts'

/**
 * The services that a prompt of so many characters has room for: the most related ones, each together with those that give what it cannot do without. They stay in
 * the order they are in. Room for one is always made.
 */
export function shortlist(ranked: Relevance['ranked'], services: readonly Service[], characters: number): Service[] {
  const size = (service: Service) => describeService(service.id, service).length + 1
  if (services.reduce((sum, service) => sum + size(service), 0) <= characters) return [...services]
  const kept = new Set<Service>()
  let left = characters
  const keep = (service: Service): void => {
    if (kept.has(service) || (kept.size > 0 && size(service) > left)) return
    kept.add(service)
    left -= size(service)
    for (const [input, schema] of propertiesOf(service.input)) {
      if (!isRequired(service.input, input)) continue
      const givers = services.filter((giver) => giver !== service && givesSurely(giver, input, schema))
      if (givers.length <= mostGivers) givers.forEach(keep)
    }
  }
  for (const { service } of ranked) keep(service)
  return services.filter((service) => kept.has(service))
}

/** An input that more services give than that is nothing special to any of them. */
const mostGivers = 3
