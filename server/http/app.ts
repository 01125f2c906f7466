import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Client } from '#contracts/key.ts'
import { AppError } from '../errors.ts'
import { registerAccess } from './plugins/access-guard.ts'
import type { Caller } from './plugins/auth.ts'
import { registerBodyParser } from './plugins/body.ts'
import { answerClientError } from './plugins/client-errors.ts'
import { registerConsole } from './plugins/console.ts'
import { registerDocumentation } from './plugins/documentation.ts'
import { registerErrorHandler, sendError } from './plugins/errors.ts'
import { registerNotFound } from './plugins/not-found.ts'
import { createHostCheck } from './plugins/security.ts'
import { createReaders } from './readers.ts'
import type { RouteContext } from './routes/context.ts'
import { registerHealth } from './routes/health.ts'
import { registerOpenAi } from './routes/openai.ts'
import { registerOutpost } from './routes/outpost.ts'
import { registerPlanEngine } from './routes/plan-engine.ts'
import { isServiceUpgrade, registerPlanSocket } from './routes/plan-socket.ts'
import type { HttpServices } from './services.ts'
import { validatorCompiler } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling. Set on every route that is not public. */
    client: Client
    /** The same with how that was told; not on the plan engine's routes. */
    caller: Caller
  }
}

const closeWithinMs = 2000
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/**
 * The gateway's HTTP side. It never listens: `compose.ts` does, and gives `app.routing` to the owner's socket as well (see `markOwnerServer`).
 * On `close`, requests that still run end with `shutting_down`.
 */
export async function buildApp(services: HttpServices): Promise<FastifyInstance> {
  const { config } = services
  const app = Fastify({
    // One line per job comes from where the job ends; a line per request would cost more than the request.
    logger: false,
    bodyLimit: config.maxBody,
    genReqId: requestId,
    http: { shouldUpgradeCallback: isServiceUpgrade },
    // A body must come within two minutes, or a client that trickles would hold its connection for ever.
    requestTimeout: 120_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => {
      // Its own words would repeat the address, and with it a key in the query.
      sendError(reply, new AppError('invalid_request', error.code === 'FST_ERR_BAD_URL' ? 'the address is not a valid URL' : error.message))
    }
  })
  const readers = createReaders(services.keys)
  const context: RouteContext = { services, readers }
  app.addHook('preClose', async () => {
    readers.close()
    // What has been answered by now is idle and closes at once; a client that does not take its answer must not hold up the end.
    setTimeout(() => app.server.closeAllConnections(), closeWithinMs).unref()
  })

  app.setValidatorCompiler(validatorCompiler)
  // Answers are made by typed code; checking them again for each request would only cost time. Tests hold them against their schemas.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  registerBodyParser(app)
  registerErrorHandler(app, { log: services.log, maxBody: config.maxBody })

  const checkHost = createHostCheck(config.host)
  app.decorateRequest('client')
  app.decorateRequest('caller')
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    const trace = request.raw.headers.traceparent
    if (typeof trace === 'string' && traceparent.test(trace)) reply.header('traceparent', trace)
    reply.header('x-content-type-options', 'nosniff')
    checkHost(request)
    done()
  })
  // Before what is not found is refused: addresses of the console's pages are none of a route.
  const consoleFiles = registerConsole(app, services)
  registerNotFound(app)
  registerAccess(app, { keys: services.keys, sessions: services.sessions, boundHost: config.host })

  await consoleFiles.registerFiles()
  await registerDocumentation(app)
  registerHealth(app, context)
  registerOpenAi(app, context)
  registerOutpost(app, context)
  registerPlanEngine(app, context)
  await registerPlanSocket(app, {
    engine: services.plans,
    log: services.log,
    authenticate(secret) {
      const known = services.keys.authenticate(secret)
      if (!('client' in known)) return undefined
      return { projectId: known.client.projectId ?? services.plans.projects.own.id, keyId: known.client.id }
    }
  })
  await app.ready()
  return app
}

/** The client's own id where it is harmless in logs and headers, else a new one. */
function requestId(raw: IncomingMessage): string {
  const given = raw.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:/+=-]{1,128}$/.test(given) ? given : randomUUID()
}
