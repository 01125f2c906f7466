import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkRedis, connectRedis, describeRedis, untilReady } from '../../server/queue/redis.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { testRedis } from '../helpers/queue.ts'

test('a Redis that is away is told with its address and the reason', async (t) => {
  const socket = join(temporaryFolder(t), 'none.sock')
  const client = connectRedis({ socket }, { failFast: true })
  onEnd(t, () => client.disconnect())
  await assert.rejects(untilReady(client, socket, 100), { code: 'queue_unavailable', message: /^Redis at \S+none\.sock is unreachable: .*ENOENT/ })
  await assert.rejects(client.ping())
})

test('an address is described without its password', () => {
  assert.equal(describeRedis({ url: 'redis://user:secret@example.org:6379/2' }), 'redis://example.org:6379/2')
  assert.equal(describeRedis({ socket: '/tmp/x.sock' }), '/tmp/x.sock')
})

test('our own Redis passes the check, one that evicts does not', async (t) => {
  const { address } = await testRedis(t)
  const client = connectRedis({ url: `unix://${address.socket}` })
  onEnd(t, () => client.disconnect())
  await untilReady(client, 'here')
  await checkRedis(client, 'here')
  await client.config('SET', 'maxmemory-policy', 'volatile-ttl')
  await assert.rejects(checkRedis(client, 'here'), { code: 'queue_unavailable', message: /Redis at here may throw jobs away: .* volatile-ttl/ })
})

test('versions from 6.2 on are taken, and Valkey; older ones are refused by their number', async () => {
  const withInfo = (info: string) => checkRedis({ info: async () => `${info}\r\nmaxmemory_policy:noeviction\r\n` } as never, 'there')
  for (const version of ['redis_version:6.2.0', 'redis_version:7.0.15', 'redis_version:8.2', 'redis_version:7.2.4\r\nvalkey_version:8.1.1'])
    await withInfo(version)
  for (const version of ['5.0.14', '6.0.16', '6.1.9']) {
    await assert.rejects(withInfo(`redis_version:${version}`), { message: new RegExp(`is version ${version}: 6\\.2 or newer`) })
  }
})

test('a connection comes back by itself after Redis was started again', async (t) => {
  const { redis, address } = await testRedis(t)
  const client = connectRedis(address)
  onEnd(t, () => client.disconnect())
  await untilReady(client, 'here')
  // Not `once` of node:events, which the errors in between would end.
  const back = new Promise((resolve) => client.once('ready', resolve))
  process.kill(redis.pid()!, 'SIGKILL')
  await back
  assert.equal(await client.ping(), 'PONG')
})
