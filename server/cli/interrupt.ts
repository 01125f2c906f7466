import { AppError } from '../errors.ts'

/** What a shell expects of a program that Ctrl-C ended. */
const interrupted = 130

/** Work that Ctrl-C stops in an orderly way. Answers the exit code. */
export async function runUntilInterrupted(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    return await work(stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
    process.stderr.write(`${error instanceof AppError ? error.message : 'Stopped.'}\n`)
    return interrupted
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
