import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AddressGuard } from './address-guard.ts'

/** What came of a message. `error`: there was no answer, and why. */
export type PostOutcome = { status: number; retryAfterMs: number } | { status: null; error: string }

export type Poster = {
  /** Never rejects. A redirect is an answer like any other: it is not followed. */
  post(url: string, headers: Record<string, string>, body: string): Promise<PostOutcome>
  /** Ends what is under way, as if nobody had answered. */
  close(): void
}

/** Bytes of an answer that are read to keep the connection; nobody reads what they say. */
const mostAnswer = 64 * 1024
/** A kept connection may be closed by the other end just as it is used again. */
const mostStale = 3

/** Sends messages over kept connections, to addresses that the guard allows and without any proxy: a proxy goes anywhere. */
export function createPoster({ guard, timeoutMs }: { guard: AddressGuard; timeoutMs: number }): Poster {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }
  const underWay = new Set<(reason: string) => void>()

  const send = (url: URL, headers: Record<string, string>, body: Buffer, stale: number): Promise<PostOutcome> =>
    new Promise((resolve) => {
      const isTls = url.protocol === 'https:'
      const request = (isTls ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        headers: { ...headers, 'Content-Length': body.length },
        agent: isTls ? agents.https : agents.http,
        lookup: guard.lookup
      })
      const stop = (reason: string) => void request.destroy(new Error(reason))
      const timer = setTimeout(stop, timeoutMs, `no answer within ${timeoutMs / 1000} s`)
      underWay.add(stop)
      request.on('response', (reply) => {
        resolve({ status: reply.statusCode ?? 0, retryAfterMs: retryAfterMs(reply) })
        discard(reply)
      })
      request.on('error', (error: NodeJS.ErrnoException) => {
        const wasStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        if (wasStale && stale < mostStale) resolve(send(url, headers, body, stale + 1))
        // A refused connection to a name with several addresses has the code alone.
        else resolve({ status: null, error: error.message === '' ? (error.code ?? 'the connection failed') : error.message })
      })
      request.on('close', () => {
        clearTimeout(timer)
        underWay.delete(stop)
        resolve({ status: null, error: 'the connection was closed without an answer' })
      })
      request.end(body)
    })

  return {
    async post(text, headers, body) {
      try {
        const url = guard.checkUrl(text)
        return await send(url, headers, Buffer.from(body), 0)
      } catch (error) {
        return { status: null, error: error instanceof Error ? error.message : String(error) }
      }
    },
    close() {
      for (const stop of underWay) stop('this server is stopping')
      agents.http.destroy()
      agents.https.destroy()
    }
  }
}

function discard(reply: IncomingMessage): void {
  let bytes = 0
  reply.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > mostAnswer) reply.destroy()
  })
  // The answer is known; how its body ends changes nothing.
  reply.on('error', () => {})
}

function retryAfterMs(reply: IncomingMessage): number {
  const text = reply.headers['retry-after']
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : 0
}
