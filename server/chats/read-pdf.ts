import { Worker } from 'node:worker_threads'
import { AppError } from '../errors.ts'
import type { PdfReport } from './pdf-thread.ts'

/** A PDF can be made to take for ever, or all memory. */
const limitMs = 60_000
const limitMiB = 1024

/** Text of a PDF's pages, in order, read in a thread of its own. Throws `invalid_request` with what is wrong with the file. */
export async function readPdf(data: Buffer): Promise<string> {
  const thread = new Worker(new URL('./pdf-thread.ts', import.meta.url), {
    workerData: new Uint8Array(data),
    resourceLimits: { maxOldGenerationSizeMb: limitMiB },
    // What the library has to say of odd files is about their contents.
    stdout: true,
    stderr: true
  })
  let timer: NodeJS.Timeout | undefined
  try {
    const report = await new Promise<PdfReport>((resolve) => {
      const fail = (problem: string) => resolve({ problem })
      timer = setTimeout(() => fail(`it took more than ${limitMs / 1000} s to read`), limitMs)
      thread.once('message', resolve)
      thread.once('error', (error) =>
        fail('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it takes too much memory to read' : 'it is damaged')
      )
      thread.once('exit', () => fail('it is damaged'))
    })
    if ('problem' in report) throw new AppError('invalid_request', `the PDF cannot be read: ${report.problem}`)
    if (report.text.trim() === '')
      throw new AppError(
        'invalid_request',
        'the PDF has no text: its pages are pictures; attach them as images, or run text recognition over it first'
      )
    return report.text
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}
