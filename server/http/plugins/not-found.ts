import type { FastifyInstance } from 'fastify'
import { AppError } from '../../errors.ts'

/** 404, or 405 with `Allow` where the address exists with other methods. Decided before a body is read. Register it before the routes. */
export function registerNotFound(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', (route) => {
    const known = routes.get(route.url) ?? { pattern: toPattern(route.url), methods: new Set<string>() }
    for (const method of [route.method].flat()) known.methods.add(method)
    routes.set(route.url, known)
  })
  app.setNotFoundHandler(() => {
    throw nothingHere()
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const path = request.url.split('?')[0] ?? ''
    const methods = new Set<string>()
    for (const route of routes.values()) if (route.pattern.test(path)) for (const method of route.methods) methods.add(method)
    if (methods.size === 0) throw nothingHere()
    const allowed = [...methods].sort().join(', ')
    reply.header('allow', allowed)
    throw new AppError('method_not_allowed', `this address takes ${allowed}, got ${request.method}`)
  })
}

function nothingHere(): AppError {
  return new AppError('not_found', 'there is nothing at this address; /docs lists what there is')
}

function toPattern(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}$`)
}
