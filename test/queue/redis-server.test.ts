import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectRedis, untilReady } from '../../server/queue/redis.ts'
import { findRedisServer, startOwnRedis } from '../../server/queue/redis-server.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'
import { isAlive, until } from '../helpers/processes.ts'
import { log, testRedis } from '../helpers/queue.ts'

test('it listens on a socket of its owner alone, on no port, keeps a file, and evicts nothing', async (t) => {
  const { redis } = await testRedis(t)
  assert.equal(statSync(redis.socket).mode & 0o077, 0)
  const client = connectRedis({ socket: redis.socket })
  onEnd(t, () => client.disconnect())
  await untilReady(client, 'here')
  const setting = async (name: string) => ((await client.config('GET', name)) as string[])[1]
  assert.deepEqual(await Promise.all(['port', 'appendonly', 'appendfsync', 'maxmemory-policy'].map(setting)), ['0', 'yes', 'everysec', 'noeviction'])
})

test('killed, it is started again with everything it was told', async (t) => {
  const { redis } = await testRedis(t)
  const client = connectRedis({ socket: redis.socket })
  onEnd(t, () => client.disconnect())
  await client.set('kept', 'yes')
  const before = redis.pid()!
  process.kill(before, 'SIGKILL')
  await until(() => redis.pid() !== undefined && redis.pid() !== before, 'another process')
  assert.equal(await client.get('kept'), 'yes')
})

test('when only the shell beside it is killed, there is one Redis again, with its socket and everything it was told', async (t) => {
  const { redis } = await testRedis(t)
  const client = connectRedis({ socket: redis.socket })
  onEnd(t, () => client.disconnect())
  await client.set('kept', 'yes')
  const before = redis.pid()!
  process.kill(parentOf(before), 'SIGKILL')
  await until(() => redis.pid() !== undefined && redis.pid() !== before && existsSync(redis.socket), 'another process')
  assert.ok(!isAlive(before))
  assert.equal(await client.get('kept'), 'yes')
})

test('when its socket is taken away, it is started again', async (t) => {
  const home = temporaryFolder(t)
  const redis = await startOwnRedis({ home, log, watchMs: 5 })
  onEnd(t, () => redis.stop())
  const before = redis.pid()
  rmSync(redis.socket)
  await until(() => redis.pid() !== undefined && redis.pid() !== before && existsSync(redis.socket), 'another process')
})

test('one that a crashed predecessor left behind is ended, and its data is there', async (t) => {
  const { home, redis } = await testRedis(t)
  const client = connectRedis({ socket: redis.socket })
  onEnd(t, () => client.disconnect())
  await client.set('kept', 'yes')
  const leftover = redis.pid()!
  const next = await startOwnRedis({ home, log })
  onEnd(t, () => next.stop())
  assert.notEqual(next.pid(), leftover)
  assert.ok(!isAlive(leftover))
  assert.equal(await client.get('kept'), 'yes')
  // The predecessor of a real crash is gone itself; this one must not bring its own back.
  await redis.stop()
})

test('a pid file that names a stranger’s process harms nobody', async (t) => {
  const home = temporaryFolder(t)
  mkdirSync(join(home, 'redis'))
  writeFileSync(join(home, 'redis', 'redis.pid'), String(process.pid))
  const redis = await startOwnRedis({ home, log })
  onEnd(t, () => redis.stop())
  assert.notEqual(readFileSync(join(home, 'redis', 'redis.pid'), 'utf8').trim(), String(process.pid))
})

test('stopped, nothing of it runs any more', async (t) => {
  const { redis } = await testRedis(t)
  const pid = redis.pid()!
  await redis.stop()
  assert.ok(!isAlive(pid))
})

test('one that cannot start says why in one line', async (t) => {
  const home = temporaryFolder(t)
  mkdirSync(join(home, 'redis', 'appendonlydir'), { recursive: true })
  writeFileSync(join(home, 'redis', 'appendonlydir', 'appendonly.aof.manifest'), 'nonsense\n')
  await assert.rejects(startOwnRedis({ home, log }), { code: 'queue_unavailable', message: /^redis-server does not start: .+$/ })
})

test('redis-server is found on PATH first, and in the usual folders', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'valkey-server'), '', { mode: 0o755 })
  writeFileSync(join(folder, 'redis-server'), '', { mode: 0o755 })
  assert.equal(findRedisServer(folder), join(folder, 'redis-server'))
  assert.notEqual(findRedisServer(''), undefined)
})

/** The process that started this one. */
function parentOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }))
}
