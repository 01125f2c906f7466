import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { Json } from '#contracts/plan.ts'
import type { ModelEndpoint } from './config.ts'
import { AppError } from './errors.ts'
import { isLoopback } from './loopback.ts'
import { checkedLookup, isPrivateAddress, literalOf } from './models/sources/addresses.ts'

/** A server that speaks OpenAI's HTTP API, with the model that is asked for there. */
export type EndpointClient = {
  readonly model: string
  /** Sends JSON and resolves with the JSON of a 2xx answer. Throws `EndpointRefusal` for 400, 404 and 422, AppError for everything else. */
  post(path: 'chat/completions' | 'embeddings', body: object, signal: AbortSignal): Promise<Json>
}

/** The endpoint did not take the request as it is. */
export class EndpointRefusal extends Error {
  override readonly name = 'EndpointRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Bytes of an answer at most. */
const largestAnswer = 32 * 1024 * 1024
const retries = 2

/**
 * `variable` names the setting in messages. Throws `policy_denied` for an address out of this machine's networks while the air gap is on; a name is looked at again with each
 * connection, by the address it leads to.
 */
export function createEndpointClient(options: { endpoint: ModelEndpoint; airGap: boolean; variable: string; pauseMs?: number }): EndpointClient {
  const { endpoint, airGap, variable, pauseMs = 1000 } = options
  const base = toBase(endpoint.url)
  const refuse = (host: string, address: string) => (airGap && !isPrivateAddress(address) ? outside(variable, host, address) : undefined)
  const literal = isLoopback(base.hostname) ? '127.0.0.1' : literalOf(base.hostname)
  const refusal = literal === undefined ? undefined : refuse(base.hostname, literal)
  if (refusal !== undefined) throw refusal
  const client = base.protocol === 'https:' ? https : http
  // The default agent may go through a proxy, and a proxy goes anywhere.
  const agent = airGap ? (base.protocol === 'https:' ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true })) : undefined

  return {
    model: endpoint.model,
    async post(path, body, signal) {
      for (let attempt = 0; ; attempt++) {
        const answer = await send(new URL(path, base), JSON.stringify(body), signal)
        if (answer.status >= 200 && answer.status < 300) return toJson(answer.text, base)
        const message = `${base.host} answered ${answer.status}: ${messageOf(answer.text)}`
        if (answer.status === 400 || answer.status === 404 || answer.status === 422) throw new EndpointRefusal(answer.status, message)
        if (attempt === retries || ![429, 500, 502, 503, 504].includes(answer.status)) throw new AppError('engine_failed', `${variable}: ${message}`)
        await delay(Math.min(30_000, (answer.retryAfter ?? 0) * 1000 || pauseMs * 2 ** attempt), undefined, { signal })
      }
    }
  }

  async function send(url: URL, body: string, signal: AbortSignal): Promise<{ status: number; text: string; retryAfter: number | undefined }> {
    signal.throwIfAborted()
    try {
      const reply = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = client.request(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'user-agent': 'outpost',
            ...(endpoint.key === undefined ? {} : { authorization: `Bearer ${endpoint.key}` })
          },
          lookup: checkedLookup(refuse),
          signal,
          ...(agent === undefined ? {} : { agent })
        })
        request.once('response', resolve).once('error', reject).end(body)
      })
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of reply as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > largestAnswer) throw new Error(`the answer is over ${largestAnswer} bytes`)
        chunks.push(chunk)
      }
      const retryAfter = Number(reply.headers['retry-after'] ?? Number.NaN)
      return {
        status: reply.statusCode ?? 0,
        text: Buffer.concat(chunks).toString('utf8'),
        retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof AppError) throw error
      throw new AppError(
        'engine_failed',
        `${variable}: ${base.host} cannot be reached: ${(error as Error).message}. See that it runs, and that the address is right`,
        {
          cause: error
        }
      )
    }
  }
}

/** `https://host`, `https://host/`, `https://host/v1` and `https://host/v1/` mean the same; a path of its own is kept. */
function toBase(text: string): URL {
  const url = new URL(text)
  const path = url.pathname.replace(/\/+$/, '')
  url.pathname = `${path === '' ? '/v1' : path}/`
  url.search = ''
  url.hash = ''
  return url
}

function outside(variable: string, host: string, address: string): AppError {
  return new AppError(
    'policy_denied',
    `${variable}: ${host} is ${host === address ? 'a' : `at ${address}, a`} public address, and OUTPOST_AIR_GAP is on: name an endpoint of this machine or its network, or turn the air gap off`
  )
}

function toJson(text: string, base: URL): Json {
  try {
    // What JSON.parse returns is JSON.
    return JSON.parse(text) as Json
  } catch (cause) {
    throw new AppError('engine_failed', `${base.host} answered with something that is not JSON: ${JSON.stringify(text.slice(0, 200))}`, { cause })
  }
}

/** The message in an error body, or as much of the body as says what it is. */
function messageOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text)
    const error = (body as { error?: { message?: unknown } | string } | null)?.error
    const message = typeof error === 'string' ? error : error?.message
    if (typeof message === 'string') return message
  } catch {
    // Not JSON: its beginning tells what it is.
  }
  return text.trim() === '' ? 'nothing' : JSON.stringify(text.slice(0, 200))
}
