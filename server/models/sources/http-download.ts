import http, { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { checkedLookup, isPrivateAddress, literalOf } from './addresses.ts'
import type { SourceReply, SourceRequest } from './source.ts'

/** Where downloads may lead; `SourceSettings` has these fields. */
export type NetworkRules = {
  /** Only addresses of this machine and its LAN are connected to. */
  airGap: boolean
  /** `host:port` of places the owner named: a redirect may lead there, whatever their address. */
  trustedHosts?: readonly string[]
}

export type Download = {
  url: URL
  request: SourceRequest
  /** Sent to the first host only; a redirect elsewhere never sees them. */
  headers?: ((url: URL) => Record<string, string>) | undefined
  rules: NetworkRules
  /** Whether a place inside (or the owner, or the catalogue: true where not given) named `url`. Who lies outside must not send us in. */
  fromInside?: boolean
  /** Told where the redirects led, and whether a place inside led there. */
  onArrival?: (url: URL, fromInside: boolean) => void
  /** Sees every reply before it is used, also redirects; throws to refuse. */
  inspect?: (reply: IncomingMessage) => void
}

const maxRedirects = 5
const directAgents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }

/** The reply was not the file; `status` is what it was instead. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * GET of a part: `Range` and, where the validator is known, `If-Range`, so that a changed file starts again instead of being mixed.
 * Source: RFC 9110, sections 13.1.5 and 14.
 */
export async function openDownload(download: Download): Promise<SourceReply> {
  const { file, from, to, validator } = download.request
  const headers: Record<string, string> = { accept: '*/*' }
  if (from > 0 || to !== undefined) {
    headers['range'] = `bytes=${from}-${to === undefined ? '' : to - 1}`
    if (validator !== undefined) headers['if-range'] = validator
  }
  try {
    const reply = await follow(download, headers)
    try {
      return toReply(reply, download.request)
    } catch (error) {
      reply.destroy()
      throw error
    }
  } catch (error) {
    // The file there is shorter than what we hold of another one: ours is of no use.
    if (error instanceof HttpRefusal && error.status === 416 && from > 0 && file.size !== undefined) {
      return openDownload({ ...download, request: { ...download.request, from: 0, to: undefined, validator: undefined } })
    }
    throw error
  }
}

/** GET that follows redirects as far as the rules allow. The reply's status may be any but a redirect's. */
export async function follow(
  download: Omit<Download, 'request'> & { request: Pick<SourceRequest, 'signal' | 'stallMs'> },
  extra: Record<string, string>
): Promise<IncomingMessage> {
  let url = download.url
  let wasInside = download.fromInside !== false
  for (let redirects = 0; ; redirects++) {
    const own = url.origin === download.url.origin ? download.headers?.(url) : undefined
    const headers = { 'user-agent': 'outpost', 'accept-encoding': 'identity', ...extra, ...own }
    const refuse = (host: string, address: string): Error | undefined => {
      if (download.rules.airGap && !isPrivateAddress(address)) return outsideAirGap(host, address)
      return mayRedirectTo(address, url, wasInside, download.rules) ? undefined : leadsInside(url, address)
    }
    const reply = await get(url, headers, download, refuse)
    try {
      download.inspect?.(reply)
      const location = reply.headers.location
      if (location === undefined || ![301, 302, 303, 307, 308].includes(reply.statusCode ?? 0)) {
        download.onArrival?.(url, wasInside)
        return reply
      }
      if (redirects === maxRedirects) throw new Error(`sent more than ${maxRedirects} redirects`)
      const next = new URL(location, url)
      if (next.protocol !== 'https:' && next.protocol !== url.protocol)
        throw new Error(`redirects to ${next.protocol}//${next.host}, which is not safe`)
      wasInside = isInside(url, reply)
      url = next
      reply.destroy()
    } catch (error) {
      reply.destroy()
      throw error
    }
  }
}

/** Whether a redirect may lead to an address: inside to inside, outside to outside, and to what the owner named. */
export function mayRedirectTo(address: string, url: URL, wasInside: boolean, rules: NetworkRules): boolean {
  return wasInside || !isPrivateAddress(address) || rules.trustedHosts?.includes(url.host) === true
}

/** Behind a proxy the other end of the connection is the proxy, so there only an address in the URL itself counts. */
function isInside(url: URL, reply: IncomingMessage): boolean {
  const literal = literalOf(url.hostname) ?? (url.hostname === 'localhost' ? '127.0.0.1' : undefined)
  if (literal !== undefined) return isPrivateAddress(literal)
  return !usesProxy() && isPrivateAddress(reply.socket.remoteAddress ?? '')
}

/** Whether `setGlobalProxyFromEnv` was called in this thread. */
export function usesProxy(): boolean {
  // Not in the types: what that call sets, in the object of the module and not in the names imported from it.
  return (http.globalAgent as unknown as { options: { proxyEnv?: object } }).options.proxyEnv !== undefined
}

async function get(
  url: URL,
  headers: Record<string, string>,
  { request: { signal, stallMs }, rules }: { request: Pick<SourceRequest, 'signal' | 'stallMs'>; rules: NetworkRules },
  refuse: (host: string, address: string) => Error | undefined
): Promise<IncomingMessage> {
  const isTls = url.protocol === 'https:'
  const options: RequestOptions = { headers }
  const literal = literalOf(url.hostname) ?? (usesProxy() && url.hostname === 'localhost' ? '127.0.0.1' : undefined)
  const refusal = literal === undefined ? undefined : refuse(url.hostname, literal)
  if (refusal !== undefined) throw refusal
  if (rules.airGap || !usesProxy()) options.lookup = checkedLookup(refuse)
  // The default agent may go through a proxy, and a proxy goes anywhere.
  if (rules.airGap) options.agent = isTls ? directAgents.https : directAgents.http
  signal.throwIfAborted()
  return await new Promise((resolve, reject) => {
    // Not by the request's own option: that gives the connection an error, which is told when the reply may have ended and nobody listens any more.
    let abort = () => void request.destroy(new Error('aborted'))
    signal.addEventListener('abort', abort, { once: true })
    const request = (isTls ? httpsRequest : httpRequest)(url, options, (reply) => {
      // From here on whoever reads says when it has waited long enough.
      request.setTimeout(0)
      signal.removeEventListener('abort', abort)
      abort = () => void reply.destroy()
      signal.addEventListener('abort', abort, { once: true })
      const end = () => signal.removeEventListener('abort', abort)
      reply.once('end', end).once('close', end)
      resolve(reply)
    })
    request.setTimeout(stallMs, () => request.destroy(stalled(stallMs)))
    request.on('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', abort)
      reject(new Error(withCode(error), { cause: error }))
    })
    request.end()
  })
}

/** What a connection that says nothing for so long is ended with. */
export function stalled(stallMs: number): Error {
  return new Error(`sent nothing for ${stallMs / 1000} s`)
}

function outsideAirGap(host: string, address: string): Error {
  return new Error(`not asked: OUTPOST_AIR_GAP is on, and ${host} (${address}) is not on this machine or its LAN`)
}

function leadsInside(url: URL, address: string): Error {
  return new Error(`redirects to ${url.host} (${address}), an address of this machine or its network; a place outside must not lead there`)
}

function toReply(reply: IncomingMessage, { file, from, to }: SourceRequest): SourceReply {
  const status = reply.statusCode ?? 0
  const validator = strongEtag(reply)
  if (status !== 200 && status !== 206) throw new HttpRefusal(status, `answered ${status} ${reply.statusMessage ?? ''}`.trim())
  if (/^text\/html\b/i.test(reply.headers['content-type'] ?? '') && !/\.html?$/i.test(file.name))
    throw new Error('sent a web page instead of the file')
  if (status === 200) {
    const size = numberOf(reply.headers['content-length'])
    if (size !== undefined && file.size !== undefined && size !== file.size) throw wrongSize(size, file.size)
    return { start: 0, isWhole: true, size, validator, bytes: reply }
  }
  const header = reply.headers['content-range'] ?? ''
  const [, first, last, whole] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header) ?? []
  const size = numberOf(whole)
  if (Number(first) !== from || Number(last) < from || (to !== undefined && Number(last) >= to)) {
    throw new Error(`answered bytes ${from}-${to === undefined ? '' : to - 1} with "${header}"`)
  }
  if (size !== undefined && file.size !== undefined && size !== file.size) throw new HttpRefusal(416, wrongSize(size, file.size).message)
  return { start: from, isParallel: true, size, validator, bytes: reply }
}

function wrongSize(size: number, expected: number): Error {
  return new Error(`has a file of ${size} bytes, the catalogue says ${expected}`)
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** A weak one does not vouch for the bytes. */
function strongEtag(reply: IncomingMessage): string | undefined {
  const etag = reply.headers.etag
  return etag === undefined || etag.startsWith('W/') ? undefined : etag
}

function withCode(error: NodeJS.ErrnoException): string {
  // A refused connection to a name with several addresses has an empty message and the code alone.
  return error.message === '' ? (error.code ?? 'the connection failed') : error.message
}
