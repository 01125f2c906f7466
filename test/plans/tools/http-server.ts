import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Ending, onEnd } from '../../helpers/on-end.ts'

/** A server on loopback, at a port of its own, gone when the test ends. */
export async function startHttp(t: Ending, listener: RequestListener): Promise<{ url: string; close: () => void }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onEnd(t, close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close } // It listens on a port, so it has an address.
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
