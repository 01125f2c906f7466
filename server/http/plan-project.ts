import type { Client } from '#contracts/key.ts'
import { AppError } from '../errors.ts'
import type { PlanEngine } from '../plans/plan-engine.ts'
import type { KeyStore } from '../store/keys.ts'

/**
 * The project a request is about: that of the client's key, else the server's own. Administrators and the owner may name another one. Throws
 * `forbidden`, `not_found`.
 */
export function projectOf(plans: Pick<PlanEngine, 'projects'>, client: Client, wanted?: string): string {
  const home = client.projectId ?? plans.projects.own.id
  if (wanted === undefined || wanted === home) return home
  if (client.role !== 'administrator' && client.role !== 'owner') {
    throw new AppError('forbidden', 'this key is for another project; leave the project out, or use an administrator’s key')
  }
  return plans.projects.find(wanted).id
}

/** Whose service comes by WebSocket, by the key it gives; undefined: by none that may. */
export function createServiceAuthentication(
  keys: Pick<KeyStore, 'authenticate'>,
  plans: Pick<PlanEngine, 'projects'>
): (secret: string) => { projectId: string; keyId: string } | undefined {
  return (secret) => {
    const result = keys.authenticate(secret)
    return 'client' in result ? { projectId: projectOf(plans, result.client), keyId: result.client.id } : undefined
  }
}
