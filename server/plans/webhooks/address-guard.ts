import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { AppError } from '../../errors.ts'
import { isListed, reachOf } from './address-reach.ts'

/** Decides where this machine may be made to send something. */
export type AddressGuard = {
  /** Throws `invalid_request` for what is no http(s) address, `policy_denied` for an IP address that must not be called. What names stand for is checked by `lookup`. */
  checkUrl(url: string): URL
  /** Why a connection may not be made; undefined: it may. */
  refusal(hostname: string, address: string): string | undefined
  /** For `node:http`: refuses a name as soon as one of its addresses is refused, and connects to no other than those checked, so that a name cannot change its meaning in between. */
  readonly lookup: LookupFunction
}

export type AddressRules = {
  /** Nothing outside of this machine and its private networks. */
  airGap: boolean
  /** Names, addresses and networks (`10.1.0.0/16`) inside that may be called. Empty: all of this machine and its private networks, without link-local ones. */
  lanAllow: readonly string[]
}

type Resolve = (hostname: string, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void

const longestUrl = 2048

/** `resolve`: what names stand for; the system's own resolver where not given. */
export function createAddressGuard({ airGap, lanAllow }: AddressRules, resolve: Resolve = systemResolve): AddressGuard {
  const { names, networks } = readPlaces(lanAllow)
  const refusal = (hostname: string, address: string): string | undefined => {
    const place = hostname === address ? address : `${hostname} (${address})`
    const reach = reachOf(address)
    if (reach === 'never') return `${place} is no address that anything may be sent to`
    if (reach === 'outside') return airGap ? `OUTPOST_AIR_GAP is on, and ${place} is not on this machine or its LAN` : undefined
    if (names.has(hostname.toLowerCase().replace(/\.$/, '')) || isListed(networks, address)) return undefined
    if (reach === 'inside' && lanAllow.length === 0) return undefined
    return `${place} is on this machine or its LAN, and not among the places that OUTPOST_LAN_ALLOW names`
  }

  return {
    checkUrl(text) {
      const url = toWebAddress(text)
      const literal = literalOf(url)
      const reason = literal === undefined ? undefined : refusal(literal, literal)
      if (reason !== undefined) throw new AppError('policy_denied', reason, { param: 'url' })
      return url
    },
    refusal,
    lookup: (hostname, options, callback) =>
      resolve(hostname, (error, addresses) => {
        if (error !== null) return callback(error, '')
        for (const { address } of addresses) {
          const reason = refusal(hostname, address)
          if (reason !== undefined) return callback(new AppError('policy_denied', reason), '')
        }
        const [first] = addresses
        if (options.all === true) callback(null, addresses)
        else callback(null, first?.address ?? '', first?.family)
      })
  }
}

/** The IP address in a URL's host; undefined: a name stands there. `URL` has already read decimal and octal forms as what they mean. */
function literalOf(url: URL): string | undefined {
  const bare = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? undefined : bare
}

function toWebAddress(text: string): URL {
  const wrong = (rule: string) => {
    // What stands before an @ is a password.
    const shown = text.slice(0, 200).replace(/\/\/[^/]*@/, '//…@')
    return new AppError('invalid_request', `url ${rule}, got ${JSON.stringify(shown)}`, { param: 'url' })
  }
  if (text.length > longestUrl) throw wrong(`must have at most ${longestUrl} characters`)
  const url = URL.parse(text)
  if (url === null || !/^https?:\/\//i.test(text)) throw wrong('must be a whole address that begins with http:// or https://')
  if (url.username !== '' || url.password !== '') throw wrong('must hold no user name and no password: what is sent is signed instead')
  return url
}

function readPlaces(lanAllow: readonly string[]): { names: Set<string>; networks: BlockList } {
  const names = new Set<string>()
  const networks = new BlockList()
  for (const place of lanAllow) {
    const [address = '', prefix] = place.split('/')
    const family = isIP(address)
    if (family === 0) names.add(place.toLowerCase())
    else networks.addSubnet(address, prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix), family === 6 ? 'ipv6' : 'ipv4')
  }
  return { names, networks }
}

function systemResolve(hostname: string, callback: (error: Error | null, addresses: LookupAddress[]) => void): void {
  dnsLookup(hostname, { all: true }, callback)
}
