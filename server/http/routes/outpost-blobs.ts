import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import type { RouteContext } from './context.ts'

/** Streams at the same time: more would only take the disk from each other, and from the models. */
const mostStreams = 8
let streams = 0

/**
 * `GET /outpost/blobs/:sha256`: a weights file that is whole and checked, for another Outpost. In parts too (RFC 9110, section 14: one range). What is
 * not here is 404: nothing is ever fetched for a stranger, so two that ask each other do not wait for one another.
 */
export async function sendBlob({ services }: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { sha256 } = request.params as { sha256: string } // The route's schema parsed it.
  const path = services.models.blobPath(sha256)
  const file = await stat(path).catch(() => undefined)
  if (file === undefined) throw new AppError('not_found', `no file with the sha256 ${sha256} is here`)
  const etag = `"${sha256}"`
  const ifRange = request.headers['if-range']
  const range = ifRange === undefined || ifRange === etag ? request.headers.range : undefined
  const part = range === undefined ? undefined : partOf(range, file.size)
  reply.headers({ etag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream', 'cache-control': 'private, no-transform' })
  if (part === 'outside') {
    reply.header('content-range', `bytes */${file.size}`)
    throw new AppError('range_not_satisfiable', `the file has ${file.size} bytes, and none of them is in ${JSON.stringify(range)}`)
  }
  const { from, to } = part ?? { from: 0, to: file.size }
  if (part !== undefined) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${file.size}`)
  reply.header('content-length', to - from)
  if (request.method === 'HEAD') {
    // An empty answer would have its own length.
    reply.hijack()
    reply.raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders).end() // No number stands under a name whose type excludes it.
    return reply
  }
  if (streams >= mostStreams)
    throw new AppError('queue_full', `${mostStreams} files are being sent already; come back in a moment`, { retryAfter: 5 })
  const bytes = createReadStream(path, { start: from, end: Math.max(from, to - 1), highWaterMark: 512 * 1024 })
  streams++
  bytes.once('close', () => {
    streams--
  })
  return reply.send(bytes)
}

/** Undefined: a form that may be passed over, so that the whole is sent. */
function partOf(range: string, size: number): { from: number; to: number } | 'outside' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range)
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === '')) return undefined
  if (first === '') return last === '0' ? 'outside' : { from: Math.max(0, size - Number(last)), to: size }
  const to = last === '' ? size : Math.min(size, Number(last) + 1)
  if (Number(first) >= size) return 'outside'
  return to <= Number(first) ? undefined : { from: Number(first), to }
}
