import { z } from 'zod'
import type { AppError } from '../../errors.ts'

/** An error of the plan engine's API. 403 has no body at all. */
export const PlanErrorBody = z.object({
  error: z.object({ kind: z.string(), code: z.string().optional(), param: z.string().optional(), message: z.string() })
})
export type PlanErrorBody = z.infer<typeof PlanErrorBody>

/** What the original calls the errors of one of its routes. */
export type PlanErrorRules = {
  /** What it calls a field that is out of bounds; `input validation error` where it is not given. */
  invalidKind?: 'invalid request error'
  /** Of the thing that is not there. */
  missingCode?: string
  /** Of what could not be done. */
  failureCode?: string
  /** The field that a conflict is about, where the error does not say. */
  conflictParam?: string
}

const notNow = new Set(['queue_full', 'queue_unavailable', 'model_not_ready', 'model_failed', 'worker_lost', 'insufficient_memory', 'disk_full'])

/** Status and body. The statuses are the original's, whose clients look at them: what is not there is 400 and not 404. */
export function toPlanError(error: AppError, rules: PlanErrorRules): { status: number; body: PlanErrorBody | undefined } {
  const { status, kind, code, param } = describe(error, rules)
  if (status === 403) return { status, body: undefined }
  return {
    status,
    body: { error: { kind, ...(code === undefined ? {} : { code }), ...(param === undefined ? {} : { param }), message: error.message } }
  }
}

type Description = { status: number; kind: string; code?: string | undefined; param?: string | undefined }

function describe({ code, param, status }: AppError, rules: PlanErrorRules): Description {
  switch (code) {
    case 'forbidden':
    case 'forbidden_host':
      return { status: 403, kind: '' }
    case 'unauthorized':
    case 'key_revoked':
      return { status: 400, kind: 'invalid request error' }
    case 'invalid_json':
      return { status: 400, kind: 'invalid request error', code: 'Orra:JSONMarshalingFail', param }
    case 'payload_too_large':
      return { status, kind: 'invalid request error' }
    case 'invalid_request':
    case 'policy_denied':
    case 'unsupported_schema':
      return { status: 400, kind: rules.invalidKind ?? 'input validation error', param }
    case 'conflict':
      return { status: 400, kind: 'invalid operation', param: param ?? rules.conflictParam }
    case 'not_found':
      return { status: 400, kind: 'item does not exist', code: rules.missingCode, param }
    case 'not_actionable':
      return { status: 400, kind: 'invalid request error', code: 'Orra:ActionNotActionable' }
    case 'shutting_down':
      return { status, kind: 'unanticipated error', code: 'Orra:PlanEngineShuttingDown' }
    case 'internal_error':
      return { status: 500, kind: 'internal error', code: rules.failureCode }
    default:
      return { status: notNow.has(code) ? status : 500, kind: 'unanticipated error', code: rules.failureCode }
  }
}
