import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireCompensationStatus, WireResolutionState, WireServiceKind, WireStatus } from '../../../server/plans/protocol/statuses.ts'

test('a status and the kind of a service are read in any case, with blanks around them', () => {
  assert.equal(WireStatus.parse(' Not_Actionable\n'), 'not_actionable')
  assert.equal(WireServiceKind.parse('\tSERVICE '), 'service')
  for (const value of ['', 'done', 'not actionable', 1, null]) assert.equal(WireStatus.safeParse(value).success, false, JSON.stringify(value))
})

test('states of a compensation and of its resolution are read exactly as written', () => {
  assert.equal(WireCompensationStatus.parse('expired'), 'expired')
  assert.equal(WireCompensationStatus.safeParse('Expired').success, false)
  assert.equal(WireResolutionState.parse('resolved'), 'resolved')
  assert.equal(WireResolutionState.safeParse(' resolved').success, false)
})
