import type { FastifyRequest } from 'fastify'
import type { Client } from '#contracts/key.ts'
import { AppError } from '../../errors.ts'
import type { KeyStore } from '../../store/keys.ts'
import { createAuthentication } from './auth.ts'

/**
 * Who is calling the plan engine's API, which knows one form only: `Authorization: Bearer KEY`. Without it, or with anything else, it is
 * `forbidden`; a key that is not valid is `unauthorized` or `key_revoked`. `keyless`: this machine and the owner may call without a key.
 */
export function createPlanEngineAuthentication(options: {
  keys: KeyStore
  boundHost: string
}): (request: FastifyRequest, keyless: boolean) => Client {
  const authenticate = createAuthentication({ ...options, anyKeyIsNone: false })
  return (request, keyless) => {
    const { authorization } = request.raw.headers
    if (authorization !== undefined && /^Bearer \S+$/.test(authorization)) return authenticate(request).client
    if (authorization !== undefined || !keyless) throw new AppError('forbidden', 'send the key of a project as "Authorization: Bearer KEY"')
    try {
      return authenticate(request).client
    } catch (error) {
      throw new AppError('forbidden', 'without a key this may only be done on the machine itself', { cause: error })
    }
  }
}
