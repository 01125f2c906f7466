import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSendings } from '../../../server/plans/services/sendings.ts'

test('the newest requests are remembered, and memory does not grow with the others', () => {
  const sendings = createSendings(3)
  const sending = (name: string) =>
    ({ kind: 'task', taskId: name, idempotencyKey: `k_${name}`, serviceId: 's_echo', connection: 1, instance: 'a' }) as const
  const note = (name: string) => sendings.note(`e_${name}`, sending(name))
  for (const name of ['a', 'b', 'c']) note(name)
  note('a')
  note('d')
  assert.equal(sendings.find('e_b'), undefined, 'the oldest is forgotten')
  assert.equal(sendings.newestOf('k_b'), undefined)
  for (const name of ['a', 'c', 'd']) {
    assert.deepEqual(sendings.find(`e_${name}`), sending(name))
    assert.deepEqual(sendings.newestOf(`k_${name}`), sending(name))
  }
})
