import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Ending, onEnd } from './on-end.ts'
import { createWitness, type Witness } from './witness.ts'

export type ReceivedWebhook = {
  headers: IncomingHttpHeaders
  /** As it came, before it was read: what the signature is over. */
  text: string
  body: { type: string; status: string; orchestration_id: string; event_id: string; timestamp: string } & Record<string, unknown>
  at: number
}

export type WebhookReceiver = {
  readonly url: string
  readonly received: Witness<ReceivedWebhook>
  /** The plan's one final delivery. */
  ended(planId: string): Promise<ReceivedWebhook>
  /** What it answers from now on: a status, or `hang up` for a connection that is cut. 200 at first. */
  answer: number | 'hang up'
}

/** A target of webhooks that keeps what comes. */
export async function startWebhookReceiver(t: Ending): Promise<WebhookReceiver> {
  const received = createWitness<ReceivedWebhook>()
  const receiver = { answer: 200 as number | 'hang up' }
  const server = createServer(async (request, response) => {
    if (receiver.answer === 'hang up') {
      request.socket.destroy()
      return
    }
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const text = Buffer.concat(pieces).toString()
    response.writeHead(receiver.answer).end()
    received.note({ headers: request.headers, text, body: JSON.parse(text), at: performance.now() })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onEnd(t, () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, // Listening on TCP, it has such an address.
    received,
    ended: (planId: string) => received.first(({ body }) => body.orchestration_id === planId && body.type.startsWith('orchestration.'))
  })
}

/** Whether `X-Outpost-Signature: t=<unix seconds>,v1=<hex>` is the HMAC-SHA256 of `<t>.<body>` with this secret. */
export function isSigned({ headers, text }: ReceivedWebhook, secret: string): boolean {
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-outpost-signature'])) ?? []
  if (time === undefined || signature === undefined) return false
  const expected = createHmac('sha256', secret).update(`${time}.${text}`).digest()
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'))
}
