import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { MachineMemory } from './models/fit/machine-memory.ts'

const probe = fileURLToPath(new URL('./engines/llama/gpu-probe.ts', import.meta.url))
const probeTimeoutMs = 20_000
/** Free memory changes with every load; asking costs a process and a second. */
const keptMs = 30_000
const Report = z.object({ gpu: z.union([z.string(), z.literal(false)]), devices: z.array(z.string()), total: z.number(), free: z.number() })

let known: { at: number; gpus: Promise<MachineMemory['gpus']> } | undefined

/** What llama.cpp can compute on beside the processor, all cards as one, as they were at most half a minute ago. Empty where there is nothing, or it does not answer. */
export function gpuMemory(now: number = performance.now()): Promise<MachineMemory['gpus']> {
  if (known === undefined || now - known.at > keptMs) known = { at: now, gpus: mayHaveGpu() ? ask() : Promise.resolve([]) }
  return known.gpus
}

/** A driver leaves a device file; without one the question can be saved. */
function mayHaveGpu(): boolean {
  if (process.platform !== 'linux') return true
  return existsSync('/dev/kfd') || globSync('/dev/{nvidia*,dri/render*}').length > 0
}

async function ask(): Promise<MachineMemory['gpus']> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [probe], { timeout: probeTimeoutMs })
    const { gpu, devices, total, free } = Report.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
    if (gpu === false || total === 0) return []
    // As the library leaves it to others.
    return [{ name: devices.join(', '), total, available: Math.max(0, Math.floor(free - Math.min(total * 0.06, 2 ** 30))) }]
  } catch {
    // A driver that breaks its asker is no place for a model; `outpost doctor` says what is wrong with it.
    return []
  }
}
