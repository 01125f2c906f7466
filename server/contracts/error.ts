import { z } from 'zod'

/** Every error code Outpost can answer with. Stable: clients may branch on it. The HTTP status and the advice stand in `errors.ts`. */
export const errorCodes = [
  'invalid_request',
  'invalid_json',
  'payload_too_large',
  'unsupported_media_type',
  'context_length_exceeded',
  'unsupported_feature',
  'unsupported_schema',
  'unauthorized',
  'forbidden',
  'forbidden_host',
  'policy_denied',
  'key_revoked',
  'not_found',
  'range_not_satisfiable',
  'model_not_found',
  'model_not_ready',
  'model_failed',
  'method_not_allowed',
  'conflict',
  'queue_full',
  'worker_lost',
  'queue_unavailable',
  'client_gone',
  'client_too_slow',
  'cancelled',
  'shutting_down',
  'engine_failed',
  'invalid_output',
  'weights_corrupt',
  'weights_unavailable',
  'bundle_invalid',
  'bundle_untrusted',
  'not_actionable',
  'planning_failed',
  'insufficient_memory',
  'disk_full',
  'timeout',
  'internal_error'
] as const

export const ErrorCode = z.enum(errorCodes)
export type ErrorCode = z.infer<typeof ErrorCode>

/** Errors as OpenAI's clients expect them, with our stable `code`. Our own dialect has the same shape. */
export const ErrorBody = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: ErrorCode })
})
export type ErrorBody = z.infer<typeof ErrorBody>
