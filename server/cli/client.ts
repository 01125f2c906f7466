import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import { type EndpointName, endpoints } from '#contracts/api.ts'
import type { Endpoint } from '#contracts/endpoint.ts'
import { ErrorBody } from '#contracts/error.ts'
import { isLastEvent, JobEvent } from '#contracts/event.ts'
import { PlanStreamEvent } from '#contracts/plan-api.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { ownerDoor } from '../socket-path.ts'
import { readEventStream } from './event-stream.ts'

type Table = typeof endpoints
type EventsName = { [Name in EndpointName]: Table[Name]['reply'] extends 'events' ? Name : never }[EndpointName]
type DataName = { [Name in EndpointName]: Table[Name]['reply'] extends z.ZodType ? Name : never }[EndpointName]

/** What an endpoint wants: the parameters of its path, what stands after `?`, and its body before defaults are filled in. */
type Input<Name extends EndpointName> = (Table[Name] extends { params: z.ZodType } ? { params: z.input<Table[Name]['params']> } : unknown) &
  (Table[Name] extends { query: z.ZodType } ? { query?: z.input<Table[Name]['query']> } : unknown) &
  (Table[Name] extends { body: z.ZodType } ? { body: z.input<Table[Name]['body']> } : unknown)
type Arguments<Name extends EndpointName> = unknown extends Input<Name> ? [] : [input: Input<Name>]
type Reply<Name extends DataName> = Table[Name]['reply'] extends z.ZodType ? z.output<Table[Name]['reply']> : never

/** A running server, called by the table of `contracts/api.ts`. What it refuses is thrown as the `AppError` it answered. */
export type Client = {
  call<Name extends DataName>(name: Name, ...input: Arguments<Name>): Promise<Reply<Name>>
  /** Events until the last one. Leaving the loop, or the signal, closes the connection, which ends what was asked for. */
  events<Name extends EventsName>(name: Name, input: Input<Name>, signal?: AbortSignal): AsyncGenerator<JobEvent>
  /** What happened to a plan and what happens, until it is settled. A plan outlives its server: when that restarts, it goes on where it was. */
  followPlan(input: Input<'followPlan'>, signal?: AbortSignal): AsyncGenerator<PlanStreamEvent>
}

type Door = { where: string; request: typeof httpRequest; url: URL; socketPath?: string; key: string | undefined }
type Sent = { params?: { id: string }; query?: Record<string, string | undefined>; body?: unknown; lastEventId?: string }

/** How long a server may take to come back to somebody who follows a plan, and how often it is tried. */
const comeBackMs = 60_000
const tryAgainMs = 1000

/** The server of `OUTPOST_URL`, else the one that runs with the home folder; undefined: none runs. */
export async function findServer(config: Config): Promise<Client | undefined> {
  if (config.url !== undefined) {
    const url = new URL(config.url)
    return createClient({ where: config.url, request: url.protocol === 'https:' ? httpsRequest : httpRequest, url, key: config.key })
  }
  const socketPath = ownerDoor(config.home)
  if (!(await isOpen(socketPath))) return undefined
  return createClient({ where: socketPath, request: httpRequest, url: new URL('http://localhost'), socketPath, key: undefined })
}

/** Like `findServer`, for what cannot be done without one. */
export async function needServer(config: Config): Promise<Client> {
  const client = await findServer(config)
  if (client !== undefined) return client
  throw new AppError(
    'internal_error',
    `no server runs with the home folder ${config.home}: start it with npm start (or set OUTPOST_URL to one that runs elsewhere)`
  )
}

function createClient(door: Door): Client {
  return {
    async call(name, ...[input]) {
      const response = await send(door, endpoints[name], (input ?? {}) as Sent)
      const body = await text(response)
      const parsed = (endpoints[name].reply as z.ZodType).safeParse(toJson(body))
      // The schema parsed is the one the type was taken from.
      if (parsed.success) return parsed.data as Reply<typeof name>
      throw notOutpost(door)
    },
    async *events(name, input, signal) {
      const response = await send(door, endpoints[name], input as Sent, signal)
      try {
        for await (const { data } of readEventStream(response)) {
          const parsed = JobEvent.safeParse(toJson(data))
          if (!parsed.success) throw notOutpost(door)
          yield parsed.data
          if (isLastEvent(parsed.data)) return
        }
      } catch (cause) {
        if (cause instanceof AppError || signal?.aborted === true) throw cause
        throw new AppError('internal_error', `the connection to the server broke (${(cause as Error).message})`, { cause })
      } finally {
        response.destroy()
      }
      throw new AppError('internal_error', 'the server ended the answer in the middle')
    },
    async *followPlan(input, signal) {
      const sent: Sent = { ...(input as Sent) }
      let brokenAt: number | undefined
      for (;;) {
        try {
          for await (const event of planEvents(door, sent, signal)) {
            brokenAt = undefined
            if (event.type === 'error') throw new AppError(event.code, event.message)
            yield event
            if (event.type === 'plan-event') sent.lastEventId = String(event.event.offset)
            if (event.type === 'plan-status' && event.settled) return
          }
        } catch (error) {
          if (signal?.aborted === true || !(error instanceof AppError) || !isBroken(error)) throw error
          brokenAt ??= performance.now()
          if (performance.now() - brokenAt > comeBackMs) throw error
        }
        await delay(tryAgainMs, undefined, signal === undefined ? {} : { signal })
      }
    }
  }
}

async function* planEvents(door: Door, sent: Sent, signal: AbortSignal | undefined): AsyncGenerator<PlanStreamEvent> {
  const response = await send(door, endpoints.followPlan, sent, signal)
  try {
    for await (const { data } of readEventStream(response)) {
      const parsed = PlanStreamEvent.safeParse(toJson(data))
      if (!parsed.success) throw notOutpost(door)
      yield parsed.data
    }
  } catch (cause) {
    if (cause instanceof AppError || signal?.aborted === true) throw cause
    throw new AppError('shutting_down', `the connection to the server broke (${(cause as Error).message})`, { cause })
  } finally {
    response.destroy()
  }
}

/** The server went away, or says that it does. */
function isBroken(error: AppError): boolean {
  return error.code === 'shutting_down' || (error.cause as NodeJS.ErrnoException | undefined)?.code !== undefined
}

async function send(door: Door, endpoint: Endpoint, { params, query, body, lastEventId }: Sent, signal?: AbortSignal): Promise<IncomingMessage> {
  const path = endpoint.path.replace(':id', encodeURIComponent(params?.id ?? ''))
  const search = new URLSearchParams(Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined)).toString()
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = door.request(
      new URL(`.${path}${search === '' ? '' : `?${search}`}`, door.url.href.endsWith('/') ? door.url : `${door.url.href}/`),
      {
        method: endpoint.method,
        headers: {
          accept: endpoint.reply === 'events' || endpoint.reply === 'plan-events' ? 'text/event-stream' : 'application/json',
          ...(door.key === undefined ? {} : { authorization: `Bearer ${door.key}` }),
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) })
        },
        ...(door.socketPath === undefined ? {} : { socketPath: door.socketPath }),
        ...(signal === undefined ? {} : { signal })
      },
      resolve
    )
    request.once('error', (cause) => reject(signal?.aborted === true ? cause : unreachable(door, cause)))
    request.end(payload)
  })
  if ((response.statusCode ?? 0) < 300) return response
  const refused = ErrorBody.safeParse(toJson(await text(response)))
  if (!refused.success) throw notOutpost(door, response.statusCode)
  const { code, message } = refused.data.error
  const advice = code === 'unauthorized' && door.socketPath === undefined ? ' (this command takes the key from OUTPOST_KEY)' : ''
  throw new AppError(code, `${message}${advice}`)
}

function unreachable(door: Door, cause: Error): AppError {
  const { code } = cause as NodeJS.ErrnoException
  const advice = door.socketPath === undefined ? 'is OUTPOST_URL right, and does it run?' : 'it may have been stopped; outpost status tells'
  return new AppError('internal_error', `the server at ${door.where} does not answer (${code ?? cause.message}): ${advice}`, { cause })
}

function notOutpost(door: Door, status?: number): AppError {
  const how = status === undefined ? 'in a way this command does not understand' : `with ${status}`
  return new AppError('internal_error', `${door.where} answered ${how}: is it an Outpost server of this version?`)
}

function toJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** A socket file may have been left behind by a server that was killed, so only a connection tells. */
function isOpen(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
