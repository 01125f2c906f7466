import type { FastifyInstance } from 'fastify'
import type { KeyStore } from '../../store/keys.ts'
import { accessOf } from '../access.ts'
import { checkAccess, createAuthentication } from './auth.ts'
import { createPlanEngineAuthentication } from './plan-engine-auth.ts'

/** Puts authentication in front of every route, as `access.ts` says. A route that is not in the table does not get registered. */
export function registerAccess(app: FastifyInstance, options: { keys: KeyStore; boundHost: string }): void {
  const authenticate = createAuthentication(options)
  const authenticateForPlans = createPlanEngineAuthentication(options)
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      const access = accessOf(method, route.url)
      if (access === undefined) throw new Error(`${method} ${route.url} has no entry in http/access.ts`)
      if (access === 'public') continue
      const planEngine = route.config?.planEngine
      route.onRequest = [
        ...[route.onRequest ?? []].flat(),
        (request, _reply, done) => {
          const client = planEngine === undefined ? authenticate(request) : authenticateForPlans(request, planEngine.keyless === true)
          checkAccess(client, access)
          request.client = client
          done()
        }
      ]
    }
  })
}
