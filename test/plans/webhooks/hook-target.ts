import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Ending, onEnd } from '../../helpers/on-end.ts'

/** A message as it came. */
export type Hook = { path: string; headers: IncomingHttpHeaders; body: string }
export type Answer = (hook: Hook, response: ServerResponse, count: number) => void

export type HookTarget = {
  readonly url: string
  readonly port: number
  readonly hooks: Hook[]
  /** Connections that were made. */
  readonly connections: () => number
  /** Resolves when so many have come, of all or of those with this in their body. */
  came(count: number, part?: string): Promise<Hook[]>
}

/** A real HTTP server that keeps what it is sent. `answer`: 200 where not given. `port`: any free one where not given. */
export async function startHookTarget(t: Ending, answer: Answer = (_hook, response) => void response.end(), port = 0): Promise<HookTarget> {
  const hooks: Hook[] = []
  const waiters: { count: number; part: string; resolve: (hooks: Hook[]) => void }[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const having = (part: string) => hooks.filter(({ body }) => body.includes(part))
  const server = createServer(async (request, response) => {
    const hook = { path: request.url ?? '', headers: request.headers, body: await bodyOf(request) }
    hooks.push(hook)
    answer(hook, response, hooks.length)
    for (const { count, part, resolve } of waiters) if (having(part).length >= count) resolve(having(part))
  })
  server.on('connection', (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onEnd(t, () => closed(server, sockets))
  const bound = (server.address() as AddressInfo).port // Listening on TCP, it has such an address.
  return {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    hooks,
    connections: () => connections,
    came: (count, part = '') =>
      having(part).length >= count ? Promise.resolve(having(part)) : new Promise((resolve) => waiters.push({ count, part, resolve }))
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  return body
}

async function closed(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  server.close()
  if (server.listening) await once(server, 'close')
}
