import { createWriteStream, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { chatLimits, type ImportReport } from '#contracts/chats.ts'
import { AppError } from '../../errors.ts'
import type { RouteContext } from './context.ts'

/** `POST /outpost/attachments`. */
export async function uploadAttachment({ services }: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { name } = request.query as { name: string } // The route's schema parsed it.
  const plainName = (name.split(/[/\\]/).at(-1) ?? '').replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  if (plainName === '')
    throw new AppError('invalid_request', `name must be the name of a file, got ${JSON.stringify(name.slice(0, 40))}`, { param: 'name' })
  const data = await buffer(bodyOf(request, chatLimits.attachmentBytes))
  const mediaType = (request.headers['content-type'] ?? 'application/octet-stream').slice(0, 200)
  const attachment = await services.chats.attach(request.client.id, { name: plainName, mediaType, data })
  return reply.code(201).send({ attachment })
}

/** `GET /outpost/attachments/:id`. Only images are given their own type: everything else is for saving, so that no file can be run as a page. */
export function sendAttachment({ services }: RouteContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { id } = request.params as { id: string } // The route's schema parsed it.
  const { name, mediaType, kind } = services.chats.attachments.find(request.client.id, id)
  const isImage = kind === 'image'
  return reply
    .header('content-type', isImage ? mediaType : 'application/octet-stream')
    .header('content-disposition', `${isImage ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(name)}`)
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cache-control', 'private, max-age=86400, immutable')
    .send(services.chats.attachments.data(request.client.id, id))
}

/** `POST /outpost/chat-import`. The file waits on disk, because it may be as large as all other requests together. */
export async function importChats({ services }: RouteContext, request: FastifyRequest): Promise<ImportReport> {
  const folder = mkdtempSync(join(tmpdir(), 'outpost-import-'))
  const path = join(folder, 'export.json')
  try {
    await pipeline(bodyOf(request, chatLimits.importBytes), createWriteStream(path, { mode: 0o600 }))
    return await services.chats.import(request.client.id, path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A body of any type, up to the limit. Fails with `payload_too_large`. */
function bodyOf(request: FastifyRequest, limit: number): Readable {
  const tooLarge = (got: string) => new AppError('payload_too_large', `the body must have at most ${limit} bytes, got ${got}`)
  const announced = request.headers['content-length']
  if (announced !== undefined && Number(announced) > limit) throw tooLarge(announced)
  let size = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > limit) done(tooLarge('more'))
      else done(null, chunk)
    }
  })
  if (!(request.body instanceof Readable)) return Readable.from([])
  request.body.once('error', (error) => bounded.destroy(error)).pipe(bounded)
  return bounded
}
