import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { isLoopback } from '../../loopback.ts'
import { isOwnerConnection } from './owner-door.ts'

/**
 * Guards against DNS rebinding: a page on the web whose name was pointed at this machine sends its own name as Host. So Host must be a name
 * of this machine, and Origin, where there is one, the same host. Throws `forbidden_host`.
 */
export function createHostCheck(boundHost: string): (request: FastifyRequest) => void {
  const onLan = !isLoopback(boundHost)
  const machine = hostname().toLowerCase()
  const names = new Set(onLan ? [boundHost.toLowerCase(), machine, `${machine}.local`, machine.split('.')[0] ?? machine] : [])

  const isAllowed = (host: string) => {
    const name = hostName(host)
    // An address cannot be rebound, only a name can; and on a LAN the addresses of a machine come and go.
    return isLoopback(name) || names.has(name) || (onLan && isIP(name) !== 0)
  }

  return (request) => {
    if (isOwnerConnection(request.raw)) return
    const { host, origin } = request.raw.headers
    if (host === undefined || !isAllowed(host)) {
      throw new AppError('forbidden_host', `the Host header must name this machine, got ${quote(host)}; call it by ${onLan ? machine : 'localhost'}`)
    }
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
      throw new AppError('forbidden_host', `the Origin header must be this server's own, got ${quote(origin)}; pages of other sites may not call it`)
    }
  }
}

/** `[::1]:80` → `::1`, `Name:80` → `name`. */
function hostName(host: string): string {
  const bare = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.split(':')[0]
  return (bare ?? '').toLowerCase().replace(/\.$/, '')
}

function quote(value: string | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value.slice(0, 200))
}
