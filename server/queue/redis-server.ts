import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { socketPath } from '../socket-path.ts'

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
export async function startOwnRedis(options: { home: string; log: Log; onDown?: () => void }): Promise<OwnRedis> {
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
      setTimeout(() => {
        if (stopping) return
        guard = launch()
        waitUntilUp(socket, guard).then(
          () => {
            backoffMs = firstBackoffMs
          },
          () => {}
        )
      }, backoffMs).unref()
      backoffMs = Math.min(backoffMs * 2, lastBackoffMs)
    })
    return child
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

  return {
    socket,
    pid: () => readPid(pidFile),
    async stop() {
      stopping = true
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

async function endLeftover(socket: string, pidFile: string, log: Log): Promise<void> {
  const pid = readPid(pidFile)
  if (pid === undefined || !isOurRedis(pid, socket)) return
  log.warn({ pid }, 'ending the redis-server that a crashed predecessor left behind')
  kill(pid, 'SIGTERM')
  for (let waited = 0; waited < 500 && isOurRedis(pid, socket); waited++) await delay(10)
  if (isOurRedis(pid, socket)) kill(pid, 'SIGKILL')
  while (isOurRedis(pid, socket)) await delay(10)
}

/** A pid may have been given to another program since: it is ours only when its title names our socket. */
function isOurRedis(pid: number, socket: string): boolean {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(socket)
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes(socket)
  } catch {
    return false
  }
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {}
}

function lastLine(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').at(-1) || undefined
  } catch {
    return undefined
  }
}
