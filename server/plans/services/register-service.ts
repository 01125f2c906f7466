import type { Service } from '#contracts/plan.ts'
import { AppError } from '../../errors.ts'
import type { PlanServiceStore } from '../../store/plan-services.ts'
import type { ServiceRegistration } from '../plan-engine.ts'
import { newServiceId } from '../protocol/ids.ts'
import { readRegistration } from './service-schema.ts'

/**
 * Takes a program's word for what it can do: a new service, or the next version of the one whose id it names. Throws `invalid_request` naming
 * the field, `not_found` for an id that is not this project's. `warnings`: what of its schema is not used.
 */
export function registerService(
  store: PlanServiceStore,
  projectId: string,
  kind: Service['kind'],
  registration: ServiceRegistration
): { service: Service; warnings: string[] } {
  const { warnings, ...checked } = readRegistration(registration)
  // Clients send null, and some the empty text, before they have one.
  const known = registration.id === '' ? undefined : (registration.id ?? undefined)
  if (known !== undefined && !store.has(projectId, known)) {
    const id = JSON.stringify(known.slice(0, 64))
    throw new AppError('not_found', `there is no service ${id} in this project; register without an id, and use the one you get`, { param: 'id' })
  }
  return { service: store.register(projectId, known ?? newServiceId(), { ...checked, kind, origin: 'connected' }), warnings }
}
