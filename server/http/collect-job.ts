import type { FastifyReply } from 'fastify'
import type { SequencedEvent } from '#contracts/event.ts'
import { AppError } from '../errors.ts'
import type { Reader, Readers } from './readers.ts'
import type { HttpServices, JobHandle, Submission } from './services.ts'
import { fromErrorEvent } from './wire/error-body.ts'

/** What is known of the waiting once the job has ended. */
export type CollectedJob = { jobId: string; queueMs: number | undefined }

/**
 * Runs a job to its end for an answer in one piece: `onEvent` gets every event but the last error. Throws what ended it, `client_gone` when
 * the client hung up (the job is left), `cancelled` when somebody cancelled it.
 */
export async function collectJob(options: {
  services: HttpServices
  readers: Readers
  reply: FastifyReply
  submission: Submission
  onEvent: (event: SequencedEvent) => void
  /** Leaves the job when it is aborted before the job's end. */
  signal?: AbortSignal
}): Promise<CollectedJob> {
  const { services, readers, reply, submission, onEvent, signal } = options
  const submittedAt = performance.now()
  const outcome = Promise.withResolvers<void>()
  // Whoever awaits it sees the failure; it may come while the submission is still under way.
  outcome.promise.catch(() => {})
  let queueMs: number | undefined
  let cancelled = false
  let handle: JobHandle | undefined
  let leaving: 'client_gone' | 'key_revoked' | undefined

  const reader: Reader = {
    clientId: submission.client.id,
    cut(reason, error) {
      leaving ??= reason
      handle?.leave(leaving)
      outcome.reject(error)
    }
  }
  const onClose = () => reader.cut('client_gone', new AppError('client_gone', 'the client closed the connection'))

  const listener = (events: SequencedEvent[]) => {
    for (const event of events) {
      if (event.type === 'error') return outcome.reject(fromErrorEvent(event))
      if (event.type === 'generation-start') queueMs ??= Math.round(performance.now() - submittedAt)
      if (event.type === 'sequence-end' && event.finishReason === 'cancelled') cancelled = true
      onEvent(event)
      if (event.type === 'generation-end') return cancelled ? outcome.reject(cancelledError()) : outcome.resolve()
    }
  }

  readers.add(reader)
  signal?.addEventListener('abort', onClose, { once: true })
  reply.raw.once('close', onClose)
  try {
    handle = await services.jobs.submit(submission, listener)
    reply.header('x-outpost-job-id', handle.jobId)
    if (leaving !== undefined) handle.leave(leaving)
    await outcome.promise
    return { jobId: handle.jobId, queueMs }
  } finally {
    readers.remove(reader)
    signal?.removeEventListener('abort', onClose)
    reply.raw.off('close', onClose)
  }
}

export function cancelledError(): AppError {
  return new AppError('cancelled', 'the request was cancelled before its end; send it again if that was a mistake')
}
