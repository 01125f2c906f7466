import type { IncomingMessage } from 'node:http'
import websocket, { type WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { PlanEngine, ServiceSocket } from '../../plans/plan-engine.ts'

export type PlanSocketOptions = {
  engine: Pick<PlanEngine, 'services'>
  log: Log
  /** Whose secret it is; undefined: nobody's. */
  authenticate: (secret: string) => { projectId: string; keyId: string } | undefined
}

const path = '/ws'
/**
 * A message over its limit is answered as a result that failed, or its sender would send it again for ever; only beyond this
 * the connection is closed (1009). Bytes.
 */
const maxFrameBytes = 32 * 1024 * 1024
// `closeTimeout`, the time a client has for its side of a close, is missing in the library's types, which a literal in place would be held against.
const socketOptions = { maxPayload: maxFrameBytes, perMessageDeflate: false, closeTimeout: 2000 }
const closeCodes = { goingAway: 1001, textOnly: 1003, failed: 1011, keyRefused: 4403, serviceUnknown: 4404 } as const

const maxIdLength = 128
const Query = z.object({
  serviceId: z.string().min(1).max(maxIdLength),
  instance: z.string().min(1).max(maxIdLength).optional()
})

/**
 * Which requests leave HTTP. Node asks this only because we tell it to: with anybody listening for upgrades it would take every request that
 * offers one out of HTTP, also those of Java's client, which offers HTTP/2 with each.
 */
export function isServiceUpgrade({ method, url, headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean {
  return method === 'GET' && url?.split('?')[0] === path && headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * `GET /ws?serviceId=&apiKey=&instance=`, where services connect; the key may be a bearer token instead. Refused before the upgrade: 403 with
 * no body for a bad key, `not_found` for a service that is not of its project. `instance`: what tells this program from others of its service,
 * the same after each reconnect; without it, it is known by its address. The server must have been made with `isServiceUpgrade`.
 */
export async function registerPlanSocket(app: FastifyInstance, options: PlanSocketOptions): Promise<void> {
  const { engine, log, authenticate } = options

  // A scope of its own: the plugin puts itself around every route that is registered beside it.
  await app.register(async (scope) => {
    await scope.register(websocket, {
      options: socketOptions,
      preClose: (done) => {
        for (const client of scope.websocketServer.clients) client.close(closeCodes.goingAway, 'the server is stopping')
        scope.websocketServer.close()
        done()
      },
      errorHandler: (error: Error & { code?: string }, socket) => {
        if (error instanceof AppError && error.code === 'not_found') socket.close(closeCodes.serviceUnknown, 'there is no such service any more')
        // The library has closed what broke its rules, and a broken line is no news: `close` follows.
        else if (error.code?.startsWith('WS_ERR')) log.warn({ code: error.code }, 'a service broke the rules of WebSocket and was disconnected')
        else if (/^E[A-Z]+$/.test(error.code ?? '')) log.debug({ code: error.code }, 'the line to a service broke')
        else {
          log.error({ err: error }, 'a connection of a service failed')
          socket.close(closeCodes.failed, 'something went wrong here')
        }
      }
    })

    scope.route({
      method: 'GET',
      url: path,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        const caller = callerOf(request, authenticate)
        if (caller === undefined) return reply.code(403).send()
        engine.services.find(caller.projectId, readQuery(request).serviceId)
      },
      handler: () => {
        throw new AppError('invalid_request', 'services connect here by WebSocket; use a ws:// or wss:// address')
      },
      wsHandler: (socket, request) => {
        const caller = callerOf(request, authenticate)
        if (caller === undefined) {
          socket.close(closeCodes.keyRefused, 'the key was revoked')
          return
        }
        const { serviceId, instance } = readQuery(request)
        const client = { keyId: caller.keyId, instance: instance ?? request.socket.remoteAddress ?? 'here' }
        // Nothing may wait between the upgrade and the listeners: clients send what they kept at once.
        const connection = engine.services.connect(caller.projectId, serviceId, client, toServiceSocket(socket))
        socket.on('message', (data, isBinary) => {
          // A Buffer, as its `binaryType` is left alone; and text that is no UTF-8 has closed the connection before it comes here.
          if (isBinary) socket.close(closeCodes.textOnly, 'messages must be text')
          else connection.onText((data as Buffer).toString())
        })
        socket.on('pong', () => connection.onPong())
        socket.on('ping', () => connection.onPong())
        socket.on('close', () => connection.onClose())
      }
    })
  })
}

function callerOf(request: FastifyRequest, authenticate: PlanSocketOptions['authenticate']): ReturnType<PlanSocketOptions['authenticate']> {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  // A key that comes twice, as an array, is none.
  const inQuery = (request.query as Record<string, unknown>)['apiKey'] // Fastify always makes an object of the query.
  const secret = bearer ?? (typeof inQuery === 'string' && inQuery !== '' ? inQuery : undefined)
  return secret === undefined ? undefined : authenticate(secret)
}

/** Throws `invalid_request`. */
function readQuery(request: FastifyRequest): z.infer<typeof Query> {
  const query = Query.safeParse(request.query)
  if (query.success) return query.data
  const param = String(query.error.issues[0]?.path[0])
  throw new AppError('invalid_request', `the query must have ${param} once, with 1–${maxIdLength} characters`, { param })
}

function toServiceSocket(socket: WebSocket): ServiceSocket {
  return {
    send: (text) => socket.send(text),
    ping: () => {
      if (socket.readyState === socket.OPEN) socket.ping()
    },
    close: (code, reason) => socket.close(code, reason),
    get bufferedAmount() {
      return socket.bufferedAmount
    }
  }
}
