import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { EngineDescription } from '../engines/engine.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type WorkerOrder, WorkerReport } from './worker-protocol.ts'

/** A worker asked to stop gets this long before it is killed. */
const stopMs = 8000
/** Last words of a native library, kept for the reason of a failure. */
const keptErrorOutput = 4096

export type WorkerProcess = {
  readonly workerId: string
  readonly pid: number | undefined
  /** Resolves when the model is loaded. Throws what the worker reported, or how its process ended. */
  readonly ready: Promise<EngineDescription>
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** `drain`: its running requests go on to their end, however long they take. */
  stop(options: { drain: boolean }): Promise<void>
}

/** Starts one worker process and gives it its order. */
export function startWorkerProcess(
  order: Omit<WorkerOrder, 'type' | 'workerId'>,
  options: { log: Log; onProgress: (percent: number) => void }
): WorkerProcess {
  const { log } = options
  const workerId = `w-${randomBytes(6).toString('hex')}`
  const child: ChildProcess = fork(fileURLToPath(new URL('../main.ts', import.meta.url)), ['worker'], {
    execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect') && !argument.startsWith('--test')),
    // One pool thread: with more, each decode may come from another one, each with a thread team of its own whose spinning barriers
    // fight (2–2.7 times slower).
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    serialization: 'json'
  })
  let errorOutput = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorOutput = (errorOutput + text).slice(-keptErrorOutput)
    process.stderr.write(text)
  })

  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', (error) => {
      errorOutput = error.message
      if (child.pid === undefined) resolve({ code: 1, signal: null })
    })
  })
  const ready = new Promise<EngineDescription>((resolve, reject) => {
    let failure: AppError | undefined
    child.on('message', (message) => {
      const report = WorkerReport.parse(message)
      if (report.type === 'load-progress') options.onProgress(report.percent)
      else if (report.type === 'failed') failure = new AppError(report.code, report.message)
      else {
        const { contextWindow, slots, embeddingDimensions, details } = report
        resolve({ contextWindow, slots, details, ...(embeddingDimensions === null ? {} : { embeddingDimensions }) })
      }
    })
    void ended.then(({ code, signal }) => {
      const how = signal === null ? `exit code ${code}` : signal
      reject(failure ?? new AppError('engine_failed', `the worker ended while loading (${how})${lastLine(errorOutput)}`))
    })
  })
  ready.catch(() => {})

  child.send({ type: 'order', workerId, ...order } satisfies WorkerOrder, (error) => {
    if (error !== null) log.debug({ err: error }, 'a worker ended before it had its order')
  })

  return {
    workerId,
    pid: child.pid,
    ready,
    ended,
    async stop({ drain }) {
      if (child.connected) child.send({ type: 'stop', drain }, () => {})
      const timer = drain ? undefined : setTimeout(() => child.kill('SIGKILL'), stopMs)
      await ended
      clearTimeout(timer)
    }
  }
}

function lastLine(output: string): string {
  const line = output.trim().split('\n').at(-1)
  return line === undefined || line === '' ? '' : `: ${line}`
}
