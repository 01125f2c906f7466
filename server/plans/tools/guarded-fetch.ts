import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { AddressGuard } from '../webhooks/address-guard.ts'

/** As the platform's own, with texts as bodies. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/**
 * A `fetch` that only connects to addresses the guard has checked: the platform's own looks a name up by itself, and by then it may mean another
 * machine. It follows no redirect and uses no proxy. Rejects with `policy_denied` for what must not be called, with the signal's reason, and with
 * what the connection ended with.
 */
export function createGuardedFetch(guard: Pick<AddressGuard, 'checkUrl' | 'lookup'>): Fetch {
  return async (address, { method = 'GET', headers, body, signal } = {}) => {
    const url = guard.checkUrl(String(address))
    if (body !== undefined && body !== null && typeof body !== 'string') throw new TypeError('only texts are sent')
    return await new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        method,
        headers: { 'accept-encoding': 'identity', ...Object.fromEntries(new Headers(headers)), ...lengthOf(body) },
        // A kept connection may break just as it is used again, and then nobody knows whether an order was taken.
        agent: false,
        lookup: guard.lookup,
        ...(signal === undefined || signal === null ? {} : { signal })
      })
      request.once('response', (reply) => {
        try {
          resolve(toResponse(reply, method))
        } catch (error) {
          reply.destroy()
          reject(error)
        }
      })
      request.on('error', (error) => reject(signal?.aborted === true ? signal.reason : error))
      request.end(body ?? undefined)
    })
  }
}

function lengthOf(body: string | null | undefined): Record<string, number> {
  return typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {}
}

function toResponse(reply: IncomingMessage, method: string): Response {
  const { statusCode: status = 0, rawHeaders } = reply
  const headers = new Headers()
  for (let place = 0; place + 1 < rawHeaders.length; place += 2) headers.append(rawHeaders[place] ?? '', rawHeaders[place + 1] ?? '')
  const isBare = method === 'HEAD' || status === 204 || status === 205 || status === 304
  if (isBare) reply.resume()
  // The two descriptions of a web stream, Node's and the platform's, are of the same one.
  const body = isBare ? null : (Readable.toWeb(decoded(reply)) as ReadableStream<Uint8Array>)
  return new Response(body, { status, headers })
}

/** Some compress although nobody asked them to. */
function decoded(reply: IncomingMessage): Readable {
  const encoding = reply.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity') return reply
  const create = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress }[encoding]
  if (create === undefined) throw new Error(`the answer comes as ${encoding.slice(0, 50)}, which was not asked for`)
  const decoder = create()
  reply.once('error', (error) => decoder.destroy(error))
  decoder.once('close', () => reply.destroy())
  return reply.pipe(decoder)
}
