import type { FastifyInstance } from 'fastify'
import type { KeyStore } from '../../store/keys.ts'
import type { SessionStore } from '../../store/sessions.ts'
import { accessOf } from '../access.ts'
import { checkAccess, createAuthentication } from './auth.ts'
import { createPlanEngineAuthentication } from './plan-engine-auth.ts'
import { createSessionRequests } from './session-requests.ts'

/** Puts authentication in front of every route, as `access.ts` says. A route that is not in the table does not get registered. */
export function registerAccess(app: FastifyInstance, options: { keys: KeyStore; sessions: SessionStore; boundHost: string }): void {
  const authenticate = createAuthentication(options)
  const authenticateForPlans = createPlanEngineAuthentication({ keys: options.keys, boundHost: options.boundHost })
  const sessionRequests = createSessionRequests(options.sessions)
  app.addHook('onClose', async () => sessionRequests.close())
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      const access = accessOf(method, route.url)
      if (access === undefined) throw new Error(`${method} ${route.url} has no entry in http/access.ts`)
      if (access === 'public') continue
      const planEngine = route.config?.planEngine
      route.onRequest = [
        ...[route.onRequest ?? []].flat(),
        (request, reply, done) => {
          if (planEngine === undefined) {
            const caller = authenticate(request)
            request.client = caller.client
            request.caller = caller
            if (caller.session !== undefined) sessionRequests.add(caller.session.id, reply.raw)
          } else request.client = authenticateForPlans(request, planEngine.keyless === true)
          checkAccess(request.client, access)
          done()
        }
      ]
    }
  })
}
