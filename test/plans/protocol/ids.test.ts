import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as ids from '../../../server/plans/protocol/ids.ts'

test('ids have the form that the protocol’s clients know, and no characters that people mix up', () => {
  const readable = '[2-9A-HJ-NP-Za-km-z]{22}'
  assert.match(ids.newServiceId(), /^s_[a-z]{28}$/)
  assert.match(ids.newPlanId(), new RegExp(`^o_${readable}$`))
  assert.match(ids.newExecutionId(), new RegExp(`^e_${readable}$`))
  assert.match(ids.newCompensationExecutionId(), new RegExp(`^e_comp_${readable}$`))
  assert.match(ids.newFailureId(), new RegExp(`^c_${readable}$`))
  assert.match(ids.newProjectId(), new RegExp(`^p_${readable}$`))
})

test('every character comes about as often as the others', () => {
  const counts = new Map<string, number>()
  for (let round = 0; round < 5000; round++) for (const letter of ids.newPlanId().slice(2)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  assert.equal(counts.size, 57)
  // 110,000 letters, 1930 of each, with a deviation of 44: eight deviations never happen, the bias of a plain remainder is more.
  for (const [letter, count] of counts) assert.ok(Math.abs(count - 110_000 / 57) < 350, `${letter} came ${count} times`)
})
