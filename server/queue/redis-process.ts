import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'

/** Ends the redis-server that the pid file names, if it is one of this socket. Resolves when it is gone. */
export async function endLeftover(socket: string, pidFile: string, log: Log): Promise<void> {
  const pid = readPid(pidFile)
  if (pid === undefined || !isOurRedis(pid, socket)) return
  log.warn({ pid }, 'ending a redis-server that was left behind')
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

/** Undefined: there is none, or none that can be read. */
export function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}

/** One that is gone already is no error. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {}
}
