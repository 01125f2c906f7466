import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../errors.ts'

export type HashOptions = {
  /** Bytes a second at most; without it, as fast as it goes. */
  rate?: number
  signal?: AbortSignal
  onProgress?: (received: number) => void
}

/** The sha256 of a file, in hexadecimal. */
export type HashFile = (path: string, options?: HashOptions) => Promise<string>

/**
 * In a process of its own, with the lowest priority: neither the event loop nor the processor time of who serves is touched. Throws `weights_unavailable`
 * when the file cannot be read to its end, and the signal's reason.
 */
export const hashFile: HashFile = async (path, { rate, signal, onProgress } = {}) => {
  signal?.throwIfAborted()
  const child = fork(fileURLToPath(new URL('./hash-process.ts', import.meta.url)), [path, String(rate ?? 0)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc']
  })
  const stop = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', stop, { once: true })
  let answer: { sha256?: string; reason?: string } = {}
  child.on('message', (message: { received?: number; sha256?: string; reason?: string }) => {
    if (message.received === undefined) answer = message
    else onProgress?.(message.received)
  })
  try {
    const how = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code, killer) => resolve(`its reader ended with ${killer ?? code}`))
    })
    signal?.throwIfAborted()
    if (answer.sha256 !== undefined) return answer.sha256
    throw new AppError('weights_unavailable', `${path} cannot be read: ${answer.reason ?? how}`)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
