import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCompensationEvent, toPlanEvent } from '../../../server/plans/webhooks/event-body.ts'
import { compensationFailure, planRecord } from './plan-records.ts'

const seconds = Date.parse('2026-11-24T12:00:00Z') / 1000

test('a failed plan tells which service said what', () => {
  const failure = { code: 'task_failed' as const, message: 'no money', task: 'task1', service: 's_echo' }
  const event = toPlanEvent(planRecord({ status: 'failed', results: null, failure }))
  assert.equal(event?.type, 'orchestration.failed')
  assert.deepEqual(JSON.parse(event.body), {
    event_id: `o_1-failed-${seconds}`,
    type: 'orchestration.failed',
    project_id: 'p_1',
    orchestration_id: 'o_1',
    status: 'failed',
    timestamp: '2026-11-24T12:00:00.250Z',
    results: [null],
    error: { id: 'o_1', producer: 's_echo', error: 'no money' }
  })
})

test('an aborted plan tells the reason its service gave', () => {
  const failure = { code: 'aborted' as const, message: 'sold out', task: 'task1', service: 's_echo' }
  const event = toPlanEvent(planRecord({ status: 'aborted', results: null, failure, abortPayload: { why: 'sold out' } }))
  const body = JSON.parse(event?.body ?? '')
  assert.deepEqual([body.type, body.status, body.abort_reason], ['orchestration.aborted', 'aborted', { why: 'sold out' }])
  assert.deepEqual(['results' in body, 'error' in body], [false, false])
})

test('a compensation that came too late tells what was to be taken back', () => {
  const { type, body } = toCompensationEvent(compensationFailure({ status: 'expired' }))
  assert.equal(type, 'compensation.failed')
  assert.deepEqual(JSON.parse(body), {
    event_id: `c_1-expired-${seconds}`,
    type: 'compensation.failed',
    compensation_id: 'c_1',
    project_id: 'p_1',
    orchestration_id: 'o_1',
    task_id: 'task1',
    service_id: 's_pay',
    service_name: 'Payment',
    status: 'expired',
    failure: 'the bank said no',
    compensation_data: { data: { payment: 7 }, context: { orchestrationId: 'o_1', reason: 'failed' }, ttl: 1000 },
    timestamp: '2026-11-24T12:00:00.250Z'
  })
})
