import type { Json } from '#contracts/plan.ts'

/**
 * One piece of work under one idempotency key, whoever does it and however often it is sent. `executionId` names the sending that holds it;
 * `leaseUntil` (Unix milliseconds): until then nobody else may take it over.
 */
export type ExecutionRecord = {
  readonly state: 'in_progress' | 'paused' | 'completed' | 'failed' | 'aborted'
  readonly executionId: string
  readonly leaseUntil: number
  readonly result?: Json | undefined
  readonly error?: string
  readonly abortResult?: Json
  /** Not yet read. */
  readonly interim: readonly Json[]
}

/** Nobody hears of an attempt for so long: another one may begin. */
export const leaseMs = 30_000

/** Begins the work, or takes it over where nobody holds it. Not `fresh`: somebody does, or it has ended. */
export function begin(
  record: ExecutionRecord | undefined,
  executionId: string,
  now: number,
  lease: number = leaseMs
): { record: ExecutionRecord; fresh: boolean } {
  const free = record === undefined || record.state === 'paused' || (record.state === 'in_progress' && record.leaseUntil <= now)
  if (!free) return { record, fresh: false }
  return { record: { state: 'in_progress', executionId, leaseUntil: now + lease, interim: record?.interim ?? [] }, fresh: true }
}

/** Begins it again after a failure. */
export function retry(record: ExecutionRecord, executionId: string, now: number, lease: number = leaseMs): ExecutionRecord {
  return begin(record.state === 'failed' ? { ...record, state: 'paused' } : record, executionId, now, lease).record
}

/** Undefined: it is not this execution's to hold. */
export function renew(record: ExecutionRecord, executionId: string, now: number, lease: number = leaseMs): ExecutionRecord | undefined {
  if (record.state !== 'in_progress' || record.executionId !== executionId) return undefined
  return { ...record, leaseUntil: now + lease }
}

/** Nobody works on it now. What has ended stays as it is. */
export function pause(record: ExecutionRecord): ExecutionRecord {
  return record.state === 'in_progress' ? { ...record, state: 'paused' } : record
}

/** The work was done, also if that is heard after its lease. */
export function complete(record: ExecutionRecord, result: Json | undefined): ExecutionRecord {
  return isOpen(record) ? { ...record, state: 'completed', result } : record
}

export function fail(record: ExecutionRecord, error: string): ExecutionRecord {
  return isOpen(record) ? { ...record, state: 'failed', error } : record
}

export function abort(record: ExecutionRecord, abortResult: Json): ExecutionRecord {
  return isOpen(record) ? { ...record, state: 'aborted', abortResult } : record
}

export function addInterim(record: ExecutionRecord, data: Json): ExecutionRecord {
  return isOpen(record) ? { ...record, interim: [...record.interim, data] } : record
}

/** What came in between, each once. */
export function takeInterim(record: ExecutionRecord): { taken: readonly Json[]; record: ExecutionRecord } {
  return { taken: record.interim, record: { ...record, interim: [] } }
}

/** A failed attempt may still be followed by its result, if the service did the work after all. */
function isOpen(record: ExecutionRecord): boolean {
  return record.state === 'in_progress' || record.state === 'paused'
}
