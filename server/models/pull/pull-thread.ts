import { setGlobalProxyFromEnv } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode } from '#contracts/error.ts'
import type { PinnedFile } from '#contracts/model.ts'
import type { SourceFailure } from '#contracts/pull.ts'
import { toAppError } from '../../errors.ts'
import { type FileProgress, type FilesOrder, pullFiles } from './pull-files.ts'

/** What the thread is started with. `usesProxy`: as the process that started it. */
export type ThreadOrder = FilesOrder & { usesProxy: boolean }
export type ThreadReport =
  | { type: 'progress'; progress: FileProgress }
  | { type: 'failure'; failure: SourceFailure }
  | { type: 'warning'; message: string }
  | { type: 'done'; files: PinnedFile[] }
  | { type: 'error'; code: ErrorCode; message: string; isAborted: boolean }

/** Progress is told this often at most; the last of it always. */
const progressMs = 50

// A pull in a thread of its own: receiving, writing and hashing gigabytes must not hold up the requests of the process.
if (parentPort !== null) void run(workerData as ThreadOrder, parentPort) // `start-pull-thread.ts` starts it, with an order.

async function run(order: ThreadOrder, port: NonNullable<typeof parentPort>): Promise<void> {
  if (order.usesProxy) setGlobalProxyFromEnv()
  const stop = new AbortController()
  port.once('message', () => stop.abort())
  const report = (message: ThreadReport) => port.postMessage(message)
  let latest: FileProgress | undefined
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    timer = undefined
    if (latest !== undefined) report({ type: 'progress', progress: latest })
    latest = undefined
  }
  const onProgress = (progress: FileProgress) => {
    if (latest !== undefined && latest.file !== progress.file) tell()
    latest = progress
    timer ??= setTimeout(tell, progressMs)
  }
  const listener = {
    onProgress,
    onFailure: (failure: SourceFailure) => report({ type: 'failure', failure }),
    onWarning: (message: string) => report({ type: 'warning', message })
  }
  try {
    const files = await pullFiles(order, listener, stop.signal)
    tell()
    report({ type: 'done', files })
  } catch (error) {
    tell()
    const { code, message } = toAppError(error)
    report({ type: 'error', code, message, isAborted: stop.signal.aborted })
  } finally {
    clearTimeout(timer)
    port.close()
  }
}
