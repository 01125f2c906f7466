import type { ErrorBody } from '#contracts/error.ts'
import type { SequencedEvent } from '#contracts/event.ts'
import { AppError } from '../../errors.ts'

export function toErrorBody(error: AppError): ErrorBody {
  return { error: { message: error.message, type: typeOf(error.status), param: error.param ?? null, code: error.code } }
}

/** The error that ended a job, as one thrown here. */
export function fromErrorEvent(event: Extract<SequencedEvent, { type: 'error' }>): AppError {
  return new AppError(event.code, event.message, {
    ...(event.param === undefined ? {} : { param: event.param }),
    ...(event.retryAfter === undefined ? {} : { retryAfter: event.retryAfter })
  })
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
