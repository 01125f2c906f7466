import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { join } from 'node:path'

/** Bytes. `available`: what a model may take now. */
export type DeviceMemory = { total: number; available: number }
export type MachineMemory = DeviceMemory & {
  /** As llama.cpp sees them (`gpu-probe.ts`); asking a driver takes a process and a second, so it is the caller's to do. */
  gpus: (DeviceMemory & { name: string })[]
}

/** Left to others, as the engine leaves it (`open-llama.ts`). */
const leftToOthers = (total: number) => Math.min(total / 4, 2 ** 30)

/**
 * The memory of this machine that a model may take now: what the system could give without swapping, within the limits of the container
 * (cgroups), less what the engine leaves to others. `root` is another file system to look in, for tests.
 */
export function machineMemory(gpus: MachineMemory['gpus'] = [], root = '/'): MachineMemory {
  const machine = systemMemory(root)
  const limits = cgroupLimits(root)
  const total = Math.min(machine.total, ...limits.map(({ total }) => total))
  const free = Math.min(machine.available, ...limits.map(({ available }) => available))
  return { total, available: Math.max(0, Math.floor(free - leftToOthers(total))), gpus }
}

/** Linux counts its file cache as taken, although it gives it back at once; `MemAvailable` does not. */
function systemMemory(root: string): DeviceMemory {
  const info = read(join(root, 'proc/meminfo'))
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(info ?? '')?.[1]) * 1024
  const [total, available] = [field('MemTotal'), field('MemAvailable')]
  if (total > 0 && available >= 0) return { total, available }
  return { total: totalmem(), available: Math.max(freemem(), process.availableMemory()) }
}

/** Of the group this process is in and of all above it: each may set a limit. */
function cgroupLimits(root: string): DeviceMemory[] {
  const groups = (read(join(root, 'proc/self/cgroup')) ?? '').trim().split('\n')
  return groups.flatMap((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === '') return above(path).flatMap((group) => limitOf(join(root, 'sys/fs/cgroup', group), secondVersion))
    if (!controllers.split(',').includes('memory')) return []
    return above(path).flatMap((group) => limitOf(join(root, 'sys/fs/cgroup/memory', group), firstVersion))
  })
}

type Names = { limit: string; usage: string; cache: RegExp }
const secondVersion: Names = { limit: 'memory.max', usage: 'memory.current', cache: /^(?:in)?active_file (\d+)$/gm }
const firstVersion: Names = { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: /^total_(?:in)?active_file (\d+)$/gm }

function limitOf(folder: string, names: Names): DeviceMemory[] {
  const total = Number.parseInt(read(join(folder, names.limit)) ?? '', 10)
  const usage = Number.parseInt(read(join(folder, names.usage)) ?? '', 10)
  // No limit is written `max`, or as a number larger than any memory.
  if (!(total >= 0) || total > 2 ** 52 || !(usage >= 0)) return []
  const cache = [...(read(join(folder, 'memory.stat')) ?? '').matchAll(names.cache)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
  return [{ total, available: Math.max(0, total - Math.max(0, usage - cache)) }]
}

/** `/a/b` → `/a/b`, `/a`, `/`. Inside a container the path may be that outside of it; what is not there sets no limit. */
function above(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return Array.from({ length: parts.length + 1 }, (_, index) => `/${parts.slice(0, parts.length - index).join('/')}`)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Other systems have no such files.
    return undefined
  }
}
