import type { Client } from '#contracts/key.ts'
import { AppError } from '../errors.ts'
import type { PlanEngine } from '../plans/plan-engine.ts'

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
