import { Redis } from 'ioredis'
import { AppError } from '../errors.ts'

/** How to reach the Redis that carries everything: our own child's socket, or `REDIS_URL`. Plain data: it crosses to worker processes. */
export type RedisAddress = { socket: string } | { url: string }

/** All keys of ours begin with this; BullMQ's too. */
export const keyPrefix = 'outpost'

/** A Redis that is connected but silent (frozen, swapping) counts as away after this. */
const commandTimeoutMs = 5000

const oldestVersion = [6, 2] as const

/** Reconnects for ever, soon at first. `failFast`: commands fail at once while Redis is away, instead of waiting for it. */
export function connectRedis(address: RedisAddress, options: { failFast?: boolean; name?: string } = {}): Redis {
  const settings = {
    maxRetriesPerRequest: options.failFast ? 0 : null,
    enableOfflineQueue: !options.failFast,
    retryStrategy: (attempt: number) => Math.min(20 * attempt, 500),
    ...(options.failFast ? { commandTimeout: commandTimeoutMs } : {}),
    ...(options.name === undefined ? {} : { connectionName: options.name })
  }
  const client = 'socket' in address ? new Redis(address.socket, settings) : new Redis(redisUrl(address.url), settings)
  // Without a listener ioredis prints; who needs to know watches `status` or gets failing commands.
  client.on('error', () => {})
  return client
}

/** Resolves once connected. Throws `queue_unavailable` after `timeoutMs`, with the reason the connection gave. */
export async function untilReady(client: Redis, what: string, timeoutMs = 10_000): Promise<void> {
  if (client.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    let reason = 'no answer'
    const onError = (error: Error) => {
      reason = error.message
    }
    const onReady = () => {
      clearTimeout(timer)
      client.off('error', onError)
      resolve()
    }
    const timer = setTimeout(() => {
      client.off('ready', onReady).off('error', onError)
      reject(new AppError('queue_unavailable', `Redis at ${what} is unreachable: ${reason}`))
    }, timeoutMs)
    client.once('ready', onReady).on('error', onError)
  })
}

/** Throws `queue_unavailable` with one clear line when this Redis is too old or may throw jobs away. */
export async function checkRedis(client: Redis, what: string): Promise<void> {
  const info = await client.info()
  const version = /^(?:valkey_version|redis_version):(\S+)/m.exec(info)?.[1] ?? 'unknown'
  const isValkey = info.includes('valkey_version:')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (!isValkey && (major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1]))) {
    throw new AppError('queue_unavailable', `Redis at ${what} is version ${version}: 6.2 or newer is needed (or Valkey 7.2 or newer)`)
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'unknown'
  if (policy !== 'noeviction') {
    throw new AppError(
      'queue_unavailable',
      `Redis at ${what} may throw jobs away: its maxmemory-policy is ${policy}. Set it: redis-cli config set maxmemory-policy noeviction`
    )
  }
}

/** Address in words, without a password. */
export function describeRedis(address: RedisAddress): string {
  if ('socket' in address) return address.socket
  const url = new URL(address.url)
  url.password = ''
  url.username = ''
  return url.toString()
}

/** ioredis knows unix sockets as a plain path. */
function redisUrl(url: string): string {
  return url.startsWith('unix://') ? url.slice('unix://'.length) : url
}
