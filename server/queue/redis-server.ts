import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { socketPath } from '../socket-path.ts'
import { endLeftover, kill, readPid } from './redis-process.ts'

/**
 * Runs redis-server beside a pipe whose other end the gateway holds. When the gateway dies without a word, the pipe closes, and Redis is
 * asked to end a second later: time for the workers to hand in their last receipts. (A child of a killed parent otherwise lives on.)
 */
const guardScript = `
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
trap 'kill -TERM $child 2>/dev/null' TERM INT
( while read -r line; do :; done; sleep 1; kill -TERM $child 2>/dev/null ) <&3 &
watch=$!
exec 3<&-
wait $child
code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
kill $watch 2>/dev/null
exit $code
`

const names = ['redis-server', 'valkey-server']
const usualFolders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/usr/sbin']
const firstBackoffMs = 100
const lastBackoffMs = 5000
/** How often it is looked whether its socket is still there. */
const watchMs = 5000

export type OwnRedis = {
  /** Unix socket clients connect to. */
  readonly socket: string
  /** Process id of redis-server itself, undefined while it is down. */
  pid(): number | undefined
  stop(): Promise<void>
}

/** Where redis-server (or valkey-server) is: on PATH, else in the usual folders. */
export function findRedisServer(path = process.env['PATH'] ?? ''): string | undefined {
  for (const name of names) {
    for (const folder of [...path.split(delimiter), ...usualFolders]) {
      if (folder === '') continue
      const file = join(folder, name)
      try {
        accessSync(file, constants.X_OK)
        return file
      } catch {}
    }
  }
  return undefined
}

/** Where our own Redis listens; known before it runs. */
export const ownRedisSocket = (home: string) => socketPath(home, 'redis.sock')

/**
 * Starts our own Redis: unix socket only, append-only file with fsync every second, no eviction. A server that a crashed predecessor left
 * behind in this folder is ended first (its data is on disk). Starts it again, with growing pauses, whenever it dies.
 */
export async function startOwnRedis(options: { home: string; log: Log; onDown?: () => void; watchMs?: number }): Promise<OwnRedis> {
  const { log } = options
  const binary = findRedisServer()
  if (binary === undefined) {
    throw new AppError(
      'queue_unavailable',
      'redis-server is not installed: run `npm start` (it installs it), install Redis 6.2 or newer, or set REDIS_URL'
    )
  }
  const folder = join(options.home, 'redis')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const socket = ownRedisSocket(options.home)
  const pidFile = join(folder, 'redis.pid')
  await endLeftover(socket, pidFile, log)

  let stopping = false
  let guard: ChildProcess | undefined
  let backoffMs = firstBackoffMs

  const launch = () => {
    rmSync(socket, { force: true })
    const output = openSync(join(folder, 'redis.log'), 'w', 0o600)
    const child = spawn(
      'sh',
      [
        '-c',
        guardScript,
        'outpost-redis',
        binary,
        '--port',
        '0',
        '--unixsocket',
        socket,
        '--unixsocketperm',
        '600',
        '--dir',
        folder,
        '--pidfile',
        pidFile,
        '--appendonly',
        'yes',
        '--appendfsync',
        'everysec',
        '--save',
        '',
        '--maxmemory-policy',
        'noeviction',
        '--daemonize',
        'no',
        '--loglevel',
        'warning',
        '--maxclients',
        '10000'
      ],
      // Its own process group: Ctrl-C in the terminal must reach us first, not pull Redis away from under running jobs.
      { stdio: ['pipe', output, output], detached: true }
    )
    closeSync(output)
    child.stdin?.on('error', () => {})
    child.once('exit', (code, signal) => {
      child.stdin?.destroy()
      if (stopping) return
      log.error({ code, signal, backoffMs, log: join(folder, 'redis.log') }, 'redis-server ended, starting it again')
      options.onDown?.()
      setTimeout(() => void launchAgain(), backoffMs).unref()
      backoffMs = Math.min(backoffMs * 2, lastBackoffMs)
    })
    return child
  }

  const launchAgain = async () => {
    // Where only the shell beside it died, the old one still lives, and would take the socket with it when it ends.
    await endLeftover(socket, pidFile, log)
    if (stopping) return
    const child = launch()
    guard = child
    try {
      await waitUntilUp(socket, child)
      backoffMs = firstBackoffMs
    } catch (error) {
      // If it has ended, that starts it again; one that lives and does not answer is of no use.
      if (!stopping && child.exitCode === null && child.signalCode === null) {
        log.error({ err: error }, 'redis-server does not answer, ending it')
        child.kill('SIGTERM')
      }
    }
  }

  guard = launch()
  try {
    await waitUntilUp(socket, guard)
  } catch (cause) {
    stopping = true
    guard.kill('SIGTERM')
    throw new AppError('queue_unavailable', `redis-server does not start: ${lastLine(join(folder, 'redis.log')) ?? (cause as Error).message}`, {
      cause
    })
  }

  // A socket in a temporary folder may be cleared away; who is connected goes on, but nobody else can come.
  const socketWatch = setInterval(() => {
    if (guard === undefined || guard.exitCode !== null || guard.signalCode !== null || backoffMs !== firstBackoffMs || existsSync(socket)) return
    log.error({ socket }, 'the socket of redis-server is gone, starting it again')
    guard.kill('SIGTERM')
  }, options.watchMs ?? watchMs).unref()

  return {
    socket,
    pid: () => readPid(pidFile),
    async stop() {
      stopping = true
      clearInterval(socketWatch)
      const child = guard
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const gone = await Promise.race([ended.then(() => true), delay(5000, false, { ref: false })])
      if (!gone) {
        const pid = readPid(pidFile)
        if (pid !== undefined) kill(pid, 'SIGKILL')
        child.kill('SIGKILL')
      }
      rmSync(socket, { force: true })
    }
  }
}

async function waitUntilUp(socket: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
    if (await ping(socket)) return
    if (Date.now() > deadline) throw new Error('it does not answer within 30 s')
    await delay(10)
  }
}

/** PONG, or Redis still loading its file (then it is ours to wait for, or to end). */
async function ping(socket: string): Promise<boolean> {
  const client = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    client.disconnect()
  }
}

function lastLine(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').at(-1) || undefined
  } catch {
    return undefined
  }
}
