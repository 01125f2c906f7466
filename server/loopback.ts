import { isIP } from 'node:net'

/** Whether an address or host name means this very machine and nothing beyond it. */
export function isLoopback(host: string): boolean {
  const name = host.startsWith('::ffff:') ? host.slice(7) : host
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || (name.startsWith('127.') && isIP(name) === 4)
}
