import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Process ids below `pid`, at any depth (Linux). */
export function descendantsOf(pid: number): number[] {
  const children = tasksOf(pid).flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(/\s+/).filter(Boolean).map(Number))
  return [...children, ...children.flatMap(descendantsOf)]
}

/** The worker processes of a server. */
export function workersOf(serverPid: number): number[] {
  return descendantsOf(serverPid).filter((pid) => / worker$/.test(commandOf(pid)))
}

export function redisOf(home: string): number {
  return Number(readFileSync(join(home, 'redis', 'redis.pid'), 'utf8'))
}

export function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

export function isAlive(pid: number): boolean {
  // A zombie has ended; its parent only has not looked yet.
  return read(`/proc/${pid}/stat`) !== '' && !/^\d+ \(.*\) Z/s.test(read(`/proc/${pid}/stat`))
}

/** Resolves once the condition holds; looks every few milliseconds. For states of other processes, which send no event. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 20_000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
