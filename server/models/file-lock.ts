import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'

/** Held by one process at a time, over all processes that share the folder. */
export type FileLock = {
  /** Aborted when the lock was taken from us, which happens after a long sleep of this process. */
  readonly lost: AbortSignal
  [Symbol.dispose](): void
}

const heartbeatMs = 2_000
/** A lock not touched for so long belongs to nobody. Its owner touches it each `heartbeatMs`, so only a stopped process loses it. */
const staleMs = 30_000
const pollMs = 200

/**
 * Waits for a lock file and takes it. A lock whose process is dead is taken over at once; one of another machine (a shared disk, a
 * container with its own process numbers) when it was not touched for 30 s. `onWait` is called at each look at a lock that is held.
 */
export async function takeFileLock(path: string, signal: AbortSignal, onWait: () => void = () => {}): Promise<FileLock> {
  const token = randomUUID()
  for (;;) {
    signal.throwIfAborted()
    if (tryCreate(path, token)) return hold(path, token)
    if (isStale(path) && takeAway(path)) continue
    onWait()
    await wait(pollMs, undefined, { signal })
  }
}

/** Whether somebody holds this lock now. */
export function isHeld(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined && !isStale(path)
}

/** Takes a lock away whose owner is gone. False: there is none, or it is held. */
export function clearDeadLock(path: string): boolean {
  return isStale(path) && takeAway(path)
}

type Owner = { token: string; pid: number; host: string }

function tryCreate(path: string, token: string): boolean {
  const owner: Owner = { token, pid: process.pid, host: hostname() }
  try {
    writeFileSync(path, JSON.stringify(owner), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function hold(path: string, token: string): FileLock {
  const loss = new AbortController()
  const heartbeat = setInterval(() => {
    if (readOwner(path)?.token === token) utimesSync(path, new Date(), new Date())
    else loss.abort(new Error(`the lock ${path} was taken by another process`))
  }, heartbeatMs)
  heartbeat.unref()
  return {
    lost: loss.signal,
    [Symbol.dispose]() {
      clearInterval(heartbeat)
      if (readOwner(path)?.token === token) rmSync(path, { force: true })
    }
  }
}

function isStale(path: string): boolean {
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  if (touched === undefined) return false
  if (Date.now() - touched > staleMs) return true
  const owner = readOwner(path)
  return owner !== undefined && owner.host === hostname() && !isAlive(owner.pid)
}

/**
 * Two that see the same dead lock must not both remove it: the second would remove the new lock of the first. So removing has a lock of its own.
 * False: another process holds that one, or died with it.
 */
function takeAway(path: string): boolean {
  const guard = `${path}.takeover`
  const since = statSync(guard, { throwIfNoEntry: false })?.mtimeMs
  if (since !== undefined && Date.now() - since > staleMs) rmSync(guard, { force: true })
  if (!tryCreate(guard, '')) return false
  try {
    if (isStale(path)) rmSync(path, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
  return true
}

/** Undefined: there is none, or its owner has not finished writing it. */
function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
