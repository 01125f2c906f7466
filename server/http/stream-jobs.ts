import type { SequencedEvent } from '#contracts/event.ts'
import { cancelledError } from './collect-job.ts'
import type { ReplyStream } from './reply-stream.ts'
import type { EventListener } from './services.ts'
import { fromErrorEvent } from './wire/error-body.ts'

/** What one job of a stream is turned into. */
export type JobText = {
  /** An event → what the client gets of it. */
  chunk: (event: SequencedEvent) => string
  /** The job ended well: the stream's last text, or undefined while other jobs go on. */
  end: (event: Extract<SequencedEvent, { type: 'generation-end' }>) => string | undefined
}

/** The listener that feeds a foreign dialect's stream: one write for all events of a tick, waiting noted aside, errors in the dialect's own way. */
export function createStreamListener(stream: ReplyStream, job: JobText): EventListener {
  let cancelled = false
  return (events) => {
    let text = ''
    let isOutput = false
    for (const event of events) {
      switch (event.type) {
        case 'job-queued':
        case 'model-load':
          stream.wait(event)
          continue
        case 'generation-start':
          stream.running()
          continue
        case 'error':
          if (isOutput) stream.write(text)
          else stream.keep(text)
          stream.fail(fromErrorEvent(event))
          return
        case 'sequence-start':
        case 'warning':
          text += job.chunk(event)
          continue
        case 'sequence-end':
          if (event.finishReason === 'cancelled') {
            cancelled = true
            continue
          }
          break
        case 'generation-end': {
          const last = cancelled ? undefined : job.end(event)
          if (last === undefined) stream.write(text)
          else stream.end(text + last)
          if (cancelled) stream.fail(cancelledError())
          return
        }
      }
      text += job.chunk(event)
      isOutput = true
    }
    if (isOutput) stream.write(text)
    else stream.keep(text)
  }
}

/** Submits, waits for the first output and starts the stream. Throws what came instead of output. */
export async function startStream(stream: ReplyStream, submit: () => Promise<unknown>): Promise<void> {
  try {
    await submit()
    await stream.ready
  } catch (error) {
    stream.discard()
    throw error
  }
  stream.start()
}
