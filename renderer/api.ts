import { endpointTable } from 'virtual:endpoints'
import type { z } from 'zod'
import type { EndpointName, endpoints } from '#contracts/api.ts'
import type { ErrorCode } from '#contracts/error.ts'
import { readEventStream, type StreamEvent } from './event-stream.ts'

type Table = typeof endpoints
export type DataName = { [Name in EndpointName]: Table[Name]['reply'] extends z.ZodType ? Name : never }[EndpointName]
export type StreamName = Exclude<EndpointName, DataName>

/** What an endpoint wants: the parameters of its path, what stands after `?`, and its body before defaults are filled in. */
export type Input<Name extends EndpointName> = (Table[Name] extends { params: z.ZodType } ? { params: z.input<Table[Name]['params']> } : unknown) &
  (Table[Name] extends { query: z.ZodType } ? { query?: z.input<Table[Name]['query']> } : unknown) &
  (Table[Name] extends { body: z.ZodType } ? { body: z.input<Table[Name]['body']> } : unknown)
type Arguments<Name extends EndpointName> =
  unknown extends Input<Name> ? [input?: undefined, signal?: AbortSignal] : [input: Input<Name>, signal?: AbortSignal]
export type Reply<Name extends DataName> = Table[Name]['reply'] extends z.ZodType ? z.output<Table[Name]['reply']> : never

/** What the server refused, or that it could not be reached (`unreachable`). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode | 'unreachable'
  readonly status: number
  readonly requestId: string | undefined

  constructor(code: ErrorCode | 'unreachable', message: string, details: { status?: number; requestId?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: details.cause })
    this.code = code
    this.status = details.status ?? 0
    this.requestId = details.requestId
  }
}

/** Calls an endpoint of `contracts/api.ts`. The server's word is taken for its shape: both come from the same table. Throws `ApiError`. */
export async function call<Name extends DataName>(name: Name, ...[input, signal]: Arguments<Name>): Promise<Reply<Name>> {
  const response = await send(name, (input ?? {}) as Sent, { accept: 'application/json' }, signal)
  return (await response.json()) as Reply<Name> // See above.
}

/** The events of a stream, until the server ends it. Leaving the loop, or the signal, closes the connection. Throws `ApiError`. */
export async function* stream<Name extends StreamName>(
  name: Name,
  input: Input<Name>,
  options: { signal?: AbortSignal; lastEventId?: string | undefined; onBytes?: () => void; onOpen?: () => void } = {}
): AsyncGenerator<StreamEvent> {
  const headers = { accept: 'text/event-stream', ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }) }
  const response = await send(name, input as Sent, headers, options.signal)
  if (response.body === null) return
  options.onOpen?.()
  try {
    yield* readEventStream(response.body, options.onBytes)
  } catch (cause) {
    throw unreachable(cause)
  }
}

type Sent = { params?: Record<string, string>; query?: Record<string, string | undefined>; body?: unknown }

async function send(name: EndpointName, { params, query, body }: Sent, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  const [method, pattern] = endpointTable[name] as (typeof endpointTable)[string] // The build takes every endpoint.
  const path = pattern.replace(/:(\w+)/g, (_, parameter: string) => encodeURIComponent(params?.[parameter] ?? ''))
  const search = new URLSearchParams(Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined)).toString()
  let response: Response
  try {
    response = await fetch(search === '' ? path : `${path}?${search}`, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal })
    })
  } catch (cause) {
    throw unreachable(cause)
  }
  if (response.ok) return response
  throw await refusal(response)
}

async function refusal(response: Response): Promise<ApiError> {
  const details = { status: response.status, requestId: response.headers.get('x-request-id') ?? undefined }
  const body = (await response.json().catch(() => undefined)) as { error?: { code?: ErrorCode; message?: string } } | undefined
  return new ApiError(body?.error?.code ?? 'internal_error', body?.error?.message ?? `${response.status} ${response.statusText}`, details)
}

function unreachable(cause: unknown): ApiError {
  return cause instanceof ApiError ? cause : new ApiError('unreachable', cause instanceof Error ? cause.message : String(cause), { cause })
}
