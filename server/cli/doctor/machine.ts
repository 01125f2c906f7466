import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Config } from '../../config.ts'
import { openLocalModels } from '../local-models.ts'
import { findModel } from '../models.ts'
import { inBytes } from '../terminal.ts'
import type { Finding } from './finding.ts'

const oldestNode = 24
/** What llama.cpp and its process take beside the weights: KV cache, buffers, Node. */
const besideWeights = 256 * 1024 * 1024
const probe = fileURLToPath(new URL('../../engines/llama/gpu-probe.ts', import.meta.url))
const probeTimeoutMs = 20_000

export async function checkNode(): Promise<Finding> {
  const { node } = process.versions
  const message = `${node} (${process.platform} ${process.arch}, ${availableParallelism()} cores)`
  if (Number(node.split('.')[0]) >= oldestNode) return { check: 'Node', state: 'fine', message }
  return { check: 'Node', state: 'broken', message, advice: `Node ${oldestNode} or newer is needed: start with npm start, which brings it` }
}

/** Free memory against what the default models take. */
export async function checkMemory(config: Config): Promise<Finding> {
  const check = 'memory'
  const { known, catalogue } = openLocalModels(config)
  const models = known.list()
  const ids = [config.model ?? catalogue.defaults.chat, config.embeddingModel ?? catalogue.defaults.embedding]
  const needed = ids
    .filter((id) => !id.toLowerCase().endsWith('.gguf'))
    .map((id) => findModel(models, id))
    .filter(({ size }) => size > 0)
    .reduce((sum, { size }) => sum + size + besideWeights, 0)
  const free = availableMemory()
  // A container may have less than the machine.
  const total = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  const message = `${inBytes(free)} of ${inBytes(total)} free, the models to start with take about ${inBytes(needed)}`
  if (free >= needed) return { check, state: 'fine', message }
  return { check, state: 'warning', message, advice: 'close other programs, or choose a smaller model with OUTPOST_MODEL' }
}

/** What llama.cpp could compute on. Looked at in a process of its own: a broken driver takes down whoever asks it. */
export async function checkGpu(): Promise<Finding> {
  const check = 'GPU'
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [probe], { timeout: probeTimeoutMs })
    const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { gpu: string | false; devices: string[]; total: number; free: number }
    if (found.gpu === false) return { check, state: 'fine', message: 'none that llama.cpp can use: models run on the processor' }
    return { check, state: 'fine', message: `${found.devices.join(', ')} by ${found.gpu}, ${inBytes(found.free)} of ${inBytes(found.total)} free` }
  } catch (error) {
    const { signal, killed, stderr, message } = error as { signal?: string; killed?: boolean; stderr?: string; message: string }
    const reason = killed
      ? `no answer within ${probeTimeoutMs / 1000} s`
      : signal
        ? `it was ended by ${signal}`
        : (stderr?.trim().split('\n').at(-1) ?? '') || message
    return {
      check,
      state: 'broken',
      message: `llama.cpp cannot be started: ${reason}`,
      advice: 'install the packages again (npm ci) and look at the driver of the graphics card'
    }
  }
}

/** Linux counts its file cache as taken, although it gives it back at once. */
function availableMemory(): number {
  try {
    const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
    if (kilobytes !== undefined) return Math.min(Number(kilobytes) * 1024, process.availableMemory())
  } catch {}
  return Math.max(freemem(), process.availableMemory())
}
