import type { SequencedEvent } from '#contracts/event.ts'
import type { AppError } from '../../errors.ts'

/** An event of our own dialect on the wire. News of waiting are not counted and have no id, so that they never move `Last-Event-ID`. */
export function toEventText(event: SequencedEvent): string {
  const id = event.seq < 0 ? '' : `id: ${event.seq}\n`
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** An error of the gateway's own, which ends the reading and not always the job: it has no place in the job's count. */
export function toErrorText(error: AppError): string {
  const { code, message, retryable } = error
  return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, retryable })}\n\n`
}
