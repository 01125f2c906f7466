import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type FileServer = {
  /** Without a slash at the end. */
  url: string
  /** What was asked, in order. */
  requests: { path: string; range: string | undefined; ifRange: string | undefined; authorization: string | undefined }[]
  [Symbol.asyncDispose](): Promise<void>
}

export type Answer = {
  bytes?: Buffer
  etag?: string
  /** Bytes after which the connection is cut. */
  cutAfter?: number
  /** Bytes after which nothing comes until this settles. */
  holdAfter?: { bytes: number; until: Promise<void> }
  ignoreRange?: boolean
  status?: number
  headers?: Record<string, string>
}

/** A web server that speaks what file hosts speak: Range, If-Range, ETag, redirects. `answer` says what lies at a path; undefined: 404. */
export async function startFileServer(answer: (path: string, request: IncomingMessage) => Answer | undefined): Promise<FileServer> {
  const requests: FileServer['requests'] = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://any').pathname)
    const { range, authorization } = request.headers
    const ifRange = request.headers['if-range']
    requests.push({ path, range, ifRange: typeof ifRange === 'string' ? ifRange : undefined, authorization })
    void reply(answer(path, request), request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

async function reply(answer: Answer | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (answer?.bytes === undefined) {
    response.writeHead(answer?.status ?? 404, answer?.headers).end()
    return
  }
  const { bytes, etag } = answer
  const [, first, last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const from = Number(first ?? 0)
  const to = last === '' ? bytes.length : Math.min(bytes.length, Number(last) + 1)
  const ifRange = request.headers['if-range']
  const isPart = first !== undefined && answer.ignoreRange !== true && (ifRange === undefined || ifRange === etag)
  if (isPart && from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  const body = isPart ? bytes.subarray(from, to) : bytes
  response.writeHead(isPart ? 206 : 200, {
    'content-length': body.length,
    'accept-ranges': 'bytes',
    ...(etag === undefined ? {} : { etag }),
    ...(isPart ? { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` } : {}),
    ...answer.headers
  })
  if (answer.cutAfter !== undefined) {
    response.write(body.subarray(0, answer.cutAfter), () => response.destroy())
    return
  }
  const stop = answer.holdAfter?.bytes ?? 0
  response.write(body.subarray(0, stop))
  await answer.holdAfter?.until
  response.end(body.subarray(stop))
}
