import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSendings } from '../../../server/plans/services/sendings.ts'
import type { TaskRequest } from '../../../server/plans/services/service-host.ts'

test('the newest requests are remembered, and memory does not grow with the others', () => {
  const sendings = createSendings(3)
  const holder = { serviceId: 's_echo', connection: 1, instance: 'a' }
  const note = (name: string) => {
    const request: TaskRequest = {
      kind: 'task',
      planId: 'o_1',
      taskId: name,
      executionId: `e_${name}`,
      idempotencyKey: `k_${name}`,
      input: {},
      inDoubt: false
    }
    sendings.note(request, holder)
  }
  for (const name of ['a', 'b', 'c']) note(name)
  note('a')
  note('d')
  assert.equal(sendings.find('e_b'), undefined, 'the oldest is forgotten')
  assert.equal(sendings.holderOf('k_b'), undefined)
  for (const name of ['a', 'c', 'd']) {
    assert.deepEqual(sendings.find(`e_${name}`), { kind: 'task', taskId: name, idempotencyKey: `k_${name}`, serviceId: 's_echo' })
    assert.deepEqual(sendings.holderOf(`k_${name}`), holder)
  }
})
