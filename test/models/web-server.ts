import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type WebServer = { url: string; port: number; ranges: (string | undefined)[]; close(): Promise<void>; [Symbol.asyncDispose](): Promise<void> }

/** A web server that does whatever a test makes it do; `ranges` are what it was asked for. */
export async function startWebServer(handle: (request: IncomingMessage, response: ServerResponse) => void, port = 0): Promise<WebServer> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    handle(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  let isOpen = true
  const close = async () => {
    if (!isOpen) return
    isOpen = false
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://127.0.0.1:${bound}`, port: bound, ranges, close, [Symbol.asyncDispose]: close }
}

/** The bytes that were asked for; undefined: all. */
export function rangeOf(request: IncomingMessage, size: number): { from: number; to: number } | undefined {
  const [, first, last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  return first === undefined ? undefined : { from: Number(first), to: last === '' ? size : Math.min(size, Number(last) + 1) }
}

/** Answers as a good server does; `headers` may lie. */
export function sendPart(request: IncomingMessage, response: ServerResponse, bytes: Buffer, headers: Record<string, string> = {}): void {
  const range = rangeOf(request, bytes.length)
  const { from, to } = range ?? { from: 0, to: bytes.length }
  const contentRange = range === undefined ? {} : { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` }
  response.writeHead(range === undefined ? 200 : 206, { 'content-length': String(to - from), ...contentRange, ...headers })
  response.end(bytes.subarray(from, to))
}
