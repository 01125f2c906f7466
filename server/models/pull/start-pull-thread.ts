import { Worker } from 'node:worker_threads'
import type { PinnedFile } from '#contracts/model.ts'
import { AppError } from '../../errors.ts'
import { usesProxy } from '../sources/http-download.ts'
import type { FilesOrder, PullListener } from './pull-files.ts'
import type { ThreadOrder, ThreadReport } from './pull-thread.ts'

/** Runs a pull in a thread of its own. When `signal` is aborted it comes to rest first, then rejects. */
export async function pullFilesInThread(order: FilesOrder, listener: PullListener, signal: AbortSignal): Promise<PinnedFile[]> {
  signal.throwIfAborted()
  const thread = new Worker(new URL('./pull-thread.ts', import.meta.url), { workerData: { ...order, usesProxy: usesProxy() } satisfies ThreadOrder })
  const stop = () => thread.postMessage('stop')
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise((resolve, reject) => {
      thread.on('message', (report: ThreadReport) => {
        if (report.type === 'progress') listener.onProgress(report.progress)
        else if (report.type === 'failure') listener.onFailure(report.failure)
        else if (report.type === 'warning') listener.onWarning(report.message)
        else if (report.type === 'done') resolve(report.files)
        else reject(new AppError(report.code, report.message))
      })
      thread.once('error', reject)
      thread.once('exit', () => reject(new Error('the thread of the pull ended without a word')))
    })
  } finally {
    signal.removeEventListener('abort', stop)
    await thread.terminate()
  }
}
