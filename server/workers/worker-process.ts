import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { EngineDescription } from '../engines/engine.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type WorkerCommand, type WorkerOrder, WorkerReport } from './worker-protocol.ts'

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
  /** Lets it take jobs as soon as its model is loaded, also after `hold`. */
  take(): void
  /** Lets it take no more jobs for now; the running ones go on. */
  hold(): void
  /** `drain`: its running requests go on to their end, however long they take. */
  stop(options: { drain: boolean }): Promise<void>
}

/** A worker process that has no order yet. It does not keep its parent alive, and ends with it. */
export type SpareWorker = { take(): ChildProcess | undefined }

/** Starts a worker before it is known what for: a process takes a while to start, and another core can do that meanwhile. */
export function startSpareWorker(expectedEngine?: 'llama'): SpareWorker {
  let spare: ChildProcess | undefined = forkWorker(expectedEngine)
  const streams = () => [spare, spare?.channel, spare?.stderr] as ({ ref(): void; unref(): void } | null | undefined)[]
  for (const handle of streams()) handle?.unref()
  // One that cannot even be started is found out by the worker started in its place.
  spare.on('error', () => {})
  return {
    take() {
      for (const handle of streams()) handle?.ref()
      const taken = spare?.connected ? spare : undefined
      spare = undefined
      return taken
    }
  }
}

function forkWorker(expectedEngine?: string): ChildProcess {
  return fork(fileURLToPath(new URL('../main.ts', import.meta.url)), ['worker', ...(expectedEngine === undefined ? [] : [expectedEngine])], {
    execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect') && !argument.startsWith('--test')),
    // One pool thread: with more, each decode may come from another one, each with a thread team of its own whose spinning barriers
    // fight (2–2.7 times slower).
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    serialization: 'json'
  })
}

/** Starts one worker process, or uses the one given, and gives it its order. */
export function startWorkerProcess(
  order: Omit<WorkerOrder, 'type' | 'workerId'>,
  options: { log: Log; onProgress: (percent: number) => void; process?: ChildProcess | undefined }
): WorkerProcess {
  const { log } = options
  const workerId = `w-${randomBytes(6).toString('hex')}`
  const child = options.process ?? forkWorker()
  let isReady = false
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
        isReady = true
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

  const send = (command: WorkerCommand) => {
    if (!child.connected) return
    child.send(command, (error) => {
      if (error !== null) log.debug({ err: error }, `a worker ended before it was told to ${command.type}`)
    })
  }
  send({ type: 'order', workerId, ...order })

  return {
    workerId,
    pid: child.pid,
    ready,
    ended,
    take: () => send({ type: 'take' }),
    hold: () => send({ type: 'hold' }),
    async stop({ drain }) {
      // One that still loads has nothing to hand in, and would not listen before it has loaded.
      if (isReady) send({ type: 'stop', drain })
      else child.kill('SIGKILL')
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
