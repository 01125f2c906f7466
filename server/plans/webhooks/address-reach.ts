import { BlockList, isIP } from 'node:net'

/**
 * Where an address leads. `inside`: this machine or a private network. `link-local`: the wire it hangs on. `never`: no machine that anybody
 * should send to, or the metadata service of a cloud, which gives credentials to whoever asks.
 */
export type Reach = 'inside' | 'link-local' | 'outside' | 'never'

type Network = readonly [address: string, prefix: number, family: 'ipv4' | 'ipv6']

const never = listOf([
  ['0.0.0.0', 8, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['169.254.169.254', 32, 'ipv4'],
  ['169.254.170.2', 32, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  // Teredo: an IPv4 address hidden inside, behind whatever relay.
  ['2001::', 32, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
  ['fd20:ce::254', 128, 'ipv6']
])
const linkLocal = listOf([
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6']
])
const inside = listOf([
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fec0::', 10, 'ipv6']
])

export function reachOf(address: string): Reach {
  const plain = plainAddress(address)
  if (isIP(plain) === 0 || isListed(never, plain)) return 'never'
  if (isListed(linkLocal, plain)) return 'link-local'
  return isListed(inside, plain) ? 'inside' : 'outside'
}

/** Whether a list of networks has an address in it, whichever way that is written. */
export function isListed(list: BlockList, address: string): boolean {
  const plain = plainAddress(address)
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

/** Without a zone; and IPv4 where an IPv6 address only wraps one (mapped, compatible, NAT64, 6to4): that is where the packet ends up. */
function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) !== 6) return bare
  const groups = groupsOf(bare)
  const [first = 0, second = 0, third = 0] = groups
  if (first === 0x2002) return toIpv4(second, third)
  const isWrapped = groups.slice(0, 5).every((group) => group === 0) && (groups[5] === 0xffff || groups[5] === 0)
  const isNat64 = first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0)
  const [high = 0, low = 0] = groups.slice(6)
  // `::` and `::1` look like wrapped ones and are none.
  if (isNat64 || (isWrapped && (groups[5] === 0xffff || high !== 0))) return toIpv4(high, low)
  return bare
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const hexadecimal = address.replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = hexadecimal.split('::')
  const read = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  if (tail === undefined) return read(head)
  const [before, after] = [read(head), read(tail)]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function toIpv4(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function listOf(networks: readonly Network[]): BlockList {
  const list = new BlockList()
  for (const [address, prefix, family] of networks) list.addSubnet(address, prefix, family)
  return list
}
