import type { ErrorCode } from '#contracts/error.ts'

type ErrorRow = {
  /** HTTP status of the answer. */
  status: number
  /** Whether the same request may succeed when sent again. */
  retryable: boolean
  /** What it means, for `docs/errors.md`. */
  meaning: string
}

/** Code → HTTP status, retryable, meaning. `docs/errors.md` is this table; a test holds the two together. */
export const errorTable: Record<ErrorCode, ErrorRow> = {
  invalid_request: { status: 400, retryable: false, meaning: 'A field is missing, has the wrong type or is out of range; the message names it.' },
  invalid_json: { status: 400, retryable: false, meaning: 'The body is not JSON, not UTF-8, or nested too deeply.' },
  payload_too_large: { status: 413, retryable: false, meaning: 'The body is over the limit; the message names both sizes.' },
  unsupported_media_type: { status: 415, retryable: false, meaning: 'The body must be application/json.' },
  context_length_exceeded: {
    status: 400,
    retryable: false,
    meaning: 'Prompt plus max_tokens do not fit the context window; the message names both numbers. Nothing is ever cut off in silence.'
  },
  unsupported_feature: { status: 400, retryable: false, meaning: 'This model or engine cannot do what was asked (images, several prompts, …).' },
  unsupported_schema: {
    status: 400,
    retryable: false,
    meaning: 'A JSON schema keyword cannot be enforced; the message names it and where it stands.'
  },
  unauthorized: { status: 401, retryable: false, meaning: 'No key, or an unknown one. Send `Authorization: Bearer …` or `x-api-key`.' },
  forbidden: { status: 403, retryable: false, meaning: 'The key is valid, but its role may not do this.' },
  forbidden_host: {
    status: 403,
    retryable: false,
    meaning: 'The Host or Origin header names neither this machine nor an allowed one (guards against DNS rebinding).'
  },
  policy_denied: {
    status: 403,
    retryable: false,
    meaning: 'The policy of this machine does not allow this model, licence, source, signer or address; the message says which.'
  },
  key_revoked: { status: 401, retryable: false, meaning: 'The key was revoked; streams that were running with it have ended.' },
  not_found: { status: 404, retryable: false, meaning: 'There is nothing at this address.' },
  range_not_satisfiable: {
    status: 416,
    retryable: false,
    meaning: 'The file has no bytes in the range that was asked for; `Content-Range` says how many it has.'
  },
  model_not_found: { status: 404, retryable: false, meaning: 'No such model here; the message lists near names.' },
  model_not_ready: { status: 503, retryable: true, meaning: 'The model is known, but its weights are not here yet, or its worker is not up.' },
  model_failed: {
    status: 503,
    retryable: false,
    meaning: 'The model crashed three times at load and was given up; the message says why. `outpost load` tries again.'
  },
  method_not_allowed: { status: 405, retryable: false, meaning: 'The address exists, the method does not.' },
  conflict: { status: 409, retryable: false, meaning: 'It exists already, or is in use.' },
  queue_full: { status: 503, retryable: true, meaning: 'Too many requests wait for this model; `Retry-After` says when to come back.' },
  worker_lost: { status: 503, retryable: true, meaning: 'The process that ran the model ended in the middle of the answer. Send the request again.' },
  queue_unavailable: { status: 503, retryable: true, meaning: 'Redis does not answer; it is being restarted or reconnected.' },
  client_gone: {
    status: 499,
    retryable: true,
    meaning: 'The client closed the connection before the end. Seen in usage and logs, never by a client.'
  },
  client_too_slow: { status: 499, retryable: true, meaning: 'The client did not read its stream; it was disconnected to bound memory.' },
  cancelled: { status: 499, retryable: true, meaning: 'The request was cancelled by its owner or an administrator.' },
  shutting_down: { status: 503, retryable: true, meaning: 'The server is stopping.' },
  engine_failed: { status: 500, retryable: true, meaning: 'The engine reported a failure; the log has the details under the request id.' },
  invalid_output: {
    status: 502,
    retryable: true,
    meaning: 'The model ended its answer, and what it wrote does not satisfy the requested schema.'
  },
  weights_corrupt: {
    status: 500,
    retryable: false,
    meaning: 'A weights file is truncated, has a wrong hash, or lies in its header. It was not loaded.'
  },
  weights_unavailable: { status: 503, retryable: true, meaning: 'No source had the weights; the message lists what each one answered.' },
  bundle_invalid: {
    status: 400,
    retryable: false,
    meaning: 'A bundle is cut short, changed, or not what it says; the message names the part, the place and the file.'
  },
  bundle_untrusted: { status: 403, retryable: false, meaning: 'A bundle is unsigned, or signed by somebody who is not trusted here.' },
  not_actionable: {
    status: 422,
    retryable: false,
    meaning: 'The services of the project cannot do what the action asks for; the message says what is missing.'
  },
  planning_failed: {
    status: 422,
    retryable: true,
    meaning: 'No valid plan came out; the message says what was wrong with the last one, and the plan keeps a diagnosis.'
  },
  insufficient_memory: { status: 503, retryable: true, meaning: 'The model does not fit the memory that is free now.' },
  disk_full: { status: 507, retryable: true, meaning: 'Not enough disk space; the message says how much is needed and where.' },
  timeout: { status: 504, retryable: true, meaning: 'It took longer than allowed.' },
  internal_error: { status: 500, retryable: true, meaning: 'A bug. The log has the details under the request id.' }
}

export type AppErrorOptions = {
  cause?: unknown
  /** The request field at fault, in the words of the dialect that was called (`messages.0.content`). */
  param?: string
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  retryAfter?: number
}

/** The one error class. Messages say what was wrong, what was got and what to do. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly param: string | undefined
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.param = options.param
    this.retryAfter = options.retryAfter
  }

  get status(): number {
    return errorTable[this.code].status
  }
  get retryable(): boolean {
    return errorTable[this.code].retryable
  }
}

/** Anything thrown → AppError. What is not ours becomes `fallback`, keeping the original as cause. */
export function toAppError(error: unknown, fallback: ErrorCode = 'internal_error'): AppError {
  if (error instanceof AppError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new AppError(fallback, message, { cause: error })
}
