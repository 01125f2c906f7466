import { lookup as dnsLookup } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { SourceReply, SourceRequest } from './source.ts'

export type Download = {
  url: URL
  request: SourceRequest
  /** Sent to the first host only; a redirect elsewhere never sees it. */
  authorization?: string | undefined
  /** Only addresses of this machine and its LAN are connected to. */
  airGap: boolean
  /** Sees every reply before it is used, also redirects; throws to refuse. */
  inspect?: (reply: IncomingMessage) => void
}

const maxRedirects = 5
/** Ends a connection on which nothing came for so long. */
const stallMs = 60_000

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
 * GET with resume: `Range` and, where the validator is known, `If-Range`, so that a changed file starts again instead of being mixed.
 * Source: RFC 9110, sections 13.1.5 and 14.
 */
export async function openDownload(download: Download): Promise<SourceReply> {
  const { file, from, validator, signal } = download.request
  let url = download.url
  for (let redirects = 0; ; redirects++) {
    const headers: Record<string, string> = { 'user-agent': 'outpost', accept: '*/*', 'accept-encoding': 'identity' }
    if (from > 0) {
      headers.range = `bytes=${from}-`
      if (validator !== undefined) headers['if-range'] = validator
    }
    if (download.authorization !== undefined && url.origin === download.url.origin) headers.authorization = download.authorization
    const reply = await get(url, headers, signal, download.airGap)
    try {
      download.inspect?.(reply)
      const location = reply.headers.location
      if (location !== undefined && [301, 302, 303, 307, 308].includes(reply.statusCode ?? 0)) {
        if (redirects === maxRedirects) throw new Error(`sent more than ${maxRedirects} redirects`)
        const next = new URL(location, url)
        if (next.protocol !== 'https:' && next.protocol !== url.protocol)
          throw new Error(`redirects to ${next.protocol}//${next.host}, which is not safe`)
        url = next
        reply.destroy()
        continue
      }
      return { start: startOf(reply, file.size, from), validator: strongEtag(reply), bytes: reply }
    } catch (error) {
      reply.destroy()
      // The file there is shorter than what we hold of another one: ours is of no use.
      if (error instanceof HttpRefusal && error.status === 416 && from > 0) {
        return openDownload({ ...download, request: { ...download.request, from: 0, validator: undefined } })
      }
      throw error
    }
  }
}

/** Whether an address belongs to this machine or to a private network (RFC 1918, RFC 4193, link-local). */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && privateAddresses.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

const privateAddresses = new BlockList()
for (const [network, prefix, family] of [
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6']
] as const) {
  privateAddresses.addSubnet(network, prefix, family)
}

function get(url: URL, headers: Record<string, string>, signal: AbortSignal, airGap: boolean): Promise<IncomingMessage> {
  const isTls = url.protocol === 'https:'
  const options: RequestOptions = { headers, signal }
  if (airGap) {
    const literal = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(literal) !== 0 && !isPrivateAddress(literal)) return Promise.reject(outsideAirGap(url.hostname, literal))
    options.lookup = privateLookup
    // The default agent may go through a proxy, and a proxy goes anywhere.
    options.agent = isTls ? new HttpsAgent() : new HttpAgent()
  }
  return new Promise((resolve, reject) => {
    const request = (isTls ? httpsRequest : httpRequest)(url, options, resolve)
    request.setTimeout(stallMs, () => request.destroy(new Error(`sent nothing for ${stallMs / 1000} s`)))
    request.on('error', (error: NodeJS.ErrnoException) => reject(new Error(withCode(error), { cause: error })))
    request.end()
  })
}

/** Checked where the connection is made, so that a name cannot change its address in between. */
const privateLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0)
    const outside = addresses.find(({ address }) => !isPrivateAddress(address))
    if (outside !== undefined) return callback(outsideAirGap(hostname, outside.address), '', 0)
    const first = addresses[0]
    if (options.all === true) callback(null, addresses)
    else callback(null, first?.address ?? '', first?.family ?? 0)
  })
}

function outsideAirGap(host: string, address: string): Error {
  return new Error(`not asked: OUTPOST_AIR_GAP is on, and ${host} (${address}) is not on this machine or its LAN`)
}

function startOf(reply: IncomingMessage, size: number, from: number): number {
  const status = reply.statusCode ?? 0
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(reply.headers['content-range'] ?? '')
    if (range === null || Number(range[1]) !== from) throw new Error(`answered bytes ${from}- with "${reply.headers['content-range'] ?? ''}"`)
    if (range[3] !== '*' && Number(range[3]) !== size) throw new HttpRefusal(416, `has a file of ${range[3]} bytes, the catalogue says ${size}`)
    return from
  }
  if (status !== 200) throw new HttpRefusal(status, `answered ${status} ${reply.statusMessage ?? ''}`.trim())
  const length = reply.headers['content-length']
  if (length !== undefined && Number(length) !== size) throw new Error(`has a file of ${length} bytes, the catalogue says ${size}`)
  return 0
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
