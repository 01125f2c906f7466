import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { connectRedis, untilReady } from '../../server/queue/redis.ts'
import { findRedisServer } from '../../server/queue/redis-server.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { type Ending, onEnd } from '../helpers/on-end.ts'
import { problemOf } from '../helpers/problem.ts'
import { until } from '../helpers/processes.ts'
import { startTestServer, type TestServer } from '../helpers/server.ts'

const readiness = async (server: TestServer) => problemOf(await fetch(`${server.url}/readyz`))

const say = (server: TestServer) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: 'fake: tokens=2' }] })
  })

/** Somebody's own Redis, as REDIS_URL names it. */
async function startRedis(t: Ending, where: string[]): Promise<{ stop(): Promise<unknown> }> {
  const redis = spawn(findRedisServer() ?? 'redis-server', [...where, '--save', '', '--dir', temporaryFolder(t)], { stdio: 'ignore' })
  const ended = once(redis, 'exit')
  const stop = () => {
    redis.kill('SIGTERM')
    return ended
  }
  onEnd(t, stop)
  return { stop }
}

/** As much of Redis 6.0 as a client needs to see that it is one. */
async function startOldRedis(path: string): Promise<{ stop(): Promise<unknown> }> {
  const sockets = new Set<Socket>()
  const info = '# Server\r\nredis_version:6.0.1\r\nloading:0\r\nmaxmemory_policy:noeviction\r\n'
  const server = createServer((socket) => {
    sockets.add(socket.setEncoding('utf8').on('error', () => {}))
    let rest = ''
    socket.on('data', (text: string) => {
      rest += text
      // A command is an array of bulk strings; one with its last word complete is answered.
      for (let match = commandAt(rest); match !== undefined; match = commandAt(rest)) {
        rest = rest.slice(match.length)
        const [name = ''] = match.words
        socket.write(name.toLowerCase() === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n')
      }
    })
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      return once(server, 'close')
    }
  }
}

function commandAt(text: string): { words: string[]; length: number } | undefined {
  const count = Number(/^\*(\d+)\r\n/.exec(text)?.[1])
  if (Number.isNaN(count)) return undefined
  let at = text.indexOf('\n') + 1
  const words: string[] = []
  for (let i = 0; i < count; i++) {
    const size = Number(/^\$(\d+)\r\n/.exec(text.slice(at))?.[1])
    at = text.indexOf('\n', at) + 1
    if (Number.isNaN(size) || at === 0 || text.length < at + size + 2) return undefined
    words.push(text.slice(at, at + size))
    at += size + 2
  }
  return { words, length: at }
}

test('a Redis that is away, too old or evicts is one clear line each, and once it is right the server is ready', async (t) => {
  const path = join(temporaryFolder(t), 'r.sock')
  const server = await startTestServer(t, { env: { REDIS_URL: `unix://${path}` }, until: 'listening' })
  const told = async (pattern: RegExp, timesLogged = 1) => {
    await until(async () => pattern.test((await readiness(server)).message), String(pattern))
    const problem = await readiness(server)
    assert.deepEqual([problem.status, problem.code], [503, 'queue_unavailable'])
    assert.match(problem.message, /^.*$/, 'one line')
    assert.equal(
      server
        .stderr()
        .split('\n')
        .filter((line) => pattern.test(line)).length,
      timesLogged,
      `once in the log:\n${server.stderr()}`
    )
  }
  await told(/Redis at unix:\/\/\S+r\.sock is unreachable: .*ENOENT/)
  const refused = await say(server)
  assert.equal(refused.status, 503)
  assert.equal((await problemOf(refused)).code, 'queue_unavailable')
  assert.ok(Number(refused.headers.get('retry-after')) >= 1, 'it says when to come back')
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)

  const old = await startOldRedis(path)
  await told(/Redis at \S+ is version 6\.0\.1: 6\.2 or newer is needed/)
  await old.stop()

  const redis = await startRedis(t, ['--port', '0', '--unixsocket', path, '--maxmemory-policy', 'allkeys-lru'])
  await told(/its maxmemory-policy is allkeys-lru\. Set it: redis-cli .*config set maxmemory-policy noeviction/)
  const admin = connectRedis({ socket: path })
  onEnd(t, () => admin.disconnect())
  await untilReady(admin, path)
  await admin.config('SET', 'maxmemory-policy', 'noeviction')
  await server.said(/^Ready with fake/m)
  assert.equal((await readiness(server)).status, 200)
  assert.equal((await say(server)).status, 200)

  await redis.stop()
  await told(/Redis does not answer; it is being restarted or reconnected/, 0)
  assert.equal(await server.stop(), 0, 'it stops also while Redis is away')
})

test('a server whose Redis comes later over TCP becomes ready by itself', async (t) => {
  const port = await freePort()
  const server = await startTestServer(t, { env: { REDIS_URL: `redis://user:secret@127.0.0.1:${port}/0` }, until: 'listening' })
  await until(async () => /is unreachable/.test((await readiness(server)).message), 'it says so')
  assert.match((await readiness(server)).message, new RegExp(`Redis at redis://127\\.0\\.0\\.1:${port}/0 is unreachable: .*ECONNREFUSED`))
  assert.doesNotMatch(server.stderr(), /secret/)
  await startRedis(t, ['--port', String(port), '--bind', '127.0.0.1', '--user', 'user', 'on', '>secret', '~*', '&*', '+@all'])
  await server.said(/^Ready with fake/m)
  assert.equal((await say(server)).status, 200)
  await server.stop()
})

test('a request that comes before Redis is up waits for it', async (t) => {
  const folder = temporaryFolder(t)
  const gate = join(folder, 'gate')
  execFileSync('mkfifo', [gate])
  // Opening a pipe waits for its other end.
  writeFileSync(join(folder, 'redis-server'), `#!/bin/sh\nread -r line < '${gate}'\nexec '${findRedisServer()}' "$@"\n`, { mode: 0o755 })
  const server = await startTestServer(t, { env: { PATH: `${folder}${delimiter}${process.env['PATH']}` }, until: 'listening' })
  const answer = say(server)
  assert.match((await readiness(server)).message, /the queue is starting/)
  writeFileSync(gate, 'go\n')
  assert.equal((await answer).status, 200)
})
