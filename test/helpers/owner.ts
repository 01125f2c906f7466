import { type IncomingHttpHeaders, request } from 'node:http'

export type OwnerReply = { status: number; headers: IncomingHttpHeaders; text(): Promise<string>; destroy(): void }

/** Calls a server through the owner's own door. Resolves when the headers are here. */
export function callOwner(socket: string, method: string, path: string, body?: unknown): Promise<OwnerReply> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath: socket, method, path, headers: body === undefined ? {} : { 'content-type': 'application/json' } },
      (response) => {
        response.setEncoding('utf8')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          async text() {
            let text = ''
            for await (const chunk of response) text += chunk
            return text
          },
          destroy: () => response.destroy()
        })
      }
    )
    call.once('error', reject)
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
