import assert from 'node:assert/strict'
import type { Json } from '#contracts/plan.ts'
import {
  abort,
  addInterim,
  begin,
  complete,
  type ExecutionRecord,
  fail,
  pause,
  renew,
  takeInterim
} from '../../../server/plans/execution/execution-record.ts'
import { compensationKey, taskKey } from '../../../server/plans/execution/idempotency-key.ts'
import type { Check } from '../run.ts'

type Input = {
  kind: 'task' | 'compensation' | 'execution'
  orchestration: string
  task: string
  dependency_outputs_raw_json?: Record<string, string>
  steps: [string, ...unknown[]][]
}

export const check: Check = (input, expected) => {
  const { kind, orchestration, task, dependency_outputs_raw_json: outputs = {}, steps } = input as Input
  if (kind === 'task') return assert.equal(taskKey(orchestration, task, outputs), expected)
  if (kind === 'compensation') return assert.equal(compensationKey(orchestration, task), expected)
  const seen = runSteps(steps)
  for (const [name, value] of Object.entries(expected as Record<string, unknown>)) assert.deepEqual(seen[name], value, name)
}

function runSteps(steps: Input['steps']): Record<string, unknown> {
  const seen: Record<string, unknown> = {}
  const popped: unknown[] = []
  let now = 0
  let record: ExecutionRecord | undefined
  for (const [verb, first, second] of steps) {
    if (verb === 'init') {
      const begun = begin(record, String(first), now)
      record = begun.record
      seen['new'] = begun.fresh
    } else if (verb === 'advance_s') now += Number(first) * 1000
    else if (record === undefined) assert.fail(`${verb} before init`)
    else if (verb === 'renew') {
      const renewed = renew(record, String(first), now)
      seen['renewed'] = renewed !== undefined
      record = renewed ?? record
    } else if (verb === 'pause') record = pause(record)
    else if (verb === 'result') record = typeof second === 'string' && second !== '' ? fail(record, second) : complete(record, first as Json)
    else if (verb === 'abort') record = abort(record, first as Json)
    else if (verb === 'interim') record = addInterim(record, first as Json)
    else if (verb === 'pop') {
      const { taken, record: rest } = takeInterim(record)
      popped.push([...taken])
      record = rest
    } else assert.fail(`no step ${verb}`)
  }
  return {
    ...seen,
    state: record?.state,
    executionId: record?.executionId,
    result: record?.result,
    error: record?.error,
    abortResult: record?.abortResult,
    popped
  }
}
