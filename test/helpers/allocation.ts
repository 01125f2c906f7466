import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Bytes. */
export type Allocation = {
  /** llama.cpp's own words at load: weights, KV cache and recurrent state, buffers of a step, what a step hands out. */
  weights: number
  cache: number
  compute: number
  output: number
  /** Of the process: with the library and no model, and after a prompt that fills the window. */
  residentBefore: number
  residentAfter: number
  contextWindow: number
  slots: number
}

export type AllocationOrder = { path: string; kind: 'chat' | 'embedding'; slots: number; cacheType: 'f16' | 'q8_0'; fill: boolean }

/** Loads a model in a process of its own, as a worker would, and says what that took. `cacheType` other than f16 goes past our engine. */
export async function measureAllocation(order: AllocationOrder): Promise<Allocation> {
  const child = fork(join(import.meta.dirname, 'allocation-process.ts'), {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const exited = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process that loads ended with ${signal ?? code}`)
  })
  child.send(order)
  try {
    const [allocation] = (await Promise.race([once(child, 'message'), exited])) as [Allocation]
    return allocation
  } finally {
    exited.catch(() => {})
    child.kill('SIGKILL')
  }
}
