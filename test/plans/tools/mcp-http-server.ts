import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { bodyOf } from './http-server.ts'
import { createTestServer } from './mcp-server.ts'

/** The test server over streamable HTTP. `seen`: headers of every request. */
export function createHttpListener({ seen = [], legacy }: { seen?: IncomingHttpHeaders[]; legacy?: 'stateless' | 'reject' } = {}): RequestListener {
  const handler = createMcpHandler(() => createTestServer(), legacy === undefined ? {} : { legacy })
  return async (request, response) => {
    seen.push(request.headers)
    const body = request.method === 'POST' ? await bodyOf(request) : undefined
    const left = new AbortController()
    response.once('close', () => left.abort())
    const answer = await handler.fetch(
      new Request(`http://${request.headers.host}${request.url}`, {
        method: request.method ?? 'GET',
        headers: Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]),
        signal: left.signal,
        ...(body === undefined ? {} : { body })
      })
    )
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body === null) response.end()
    else Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream).pipe(response) // Node's type and the web's are one class.
  }
}
