import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../../server/store/database.ts'
import { createWebhookStore } from '../../server/store/webhooks.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'

function openStore(t: TestContext) {
  const db = openDatabase(join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  const store = createWebhookStore(db)
  store.add({ id: 'w', projectId: 'p_1', kind: 'plan', url: 'http://localhost/', secret: 'whsec_x', createdAt: 1 })
  const enqueue = (subject: string, at: number, body = '{}', projectId = 'p_1') =>
    store.enqueue({ id: `d-${subject}`, projectId, webhookId: 'w', url: 'http://localhost/', event: 'e', subject, planId: subject, body }, at)
  return { store, enqueue }
}

test('a webhook hears of each subject once', (t) => {
  const { store, enqueue } = openStore(t)
  assert.equal(enqueue('o_1', 10), true)
  assert.equal(enqueue('o_1', 20), false)
  assert.deepEqual(
    store.due('w', 30, 9).map(({ id, since }) => [id, since]),
    [['d-o_1', 10]]
  )
})

test('what waits is due in the order of its time, and what has ended is not', (t) => {
  const { store, enqueue } = openStore(t)
  for (const [subject, at] of [
    ['c', 30],
    ['a', 10],
    ['b', 20],
    ['later', 100]
  ] as const) {
    enqueue(subject, at)
  }
  const due = (now: number) => store.due('w', now, 9).map(({ id }) => id)
  assert.deepEqual(due(50), ['d-a', 'd-b', 'd-c'])
  assert.equal(store.nextDue('w', 50), 100)
  store.delivered('d-a', 200, 51)
  store.attemptFailed('d-b', { status: 500, error: 'answered 500', nextAt: 70 })
  store.attemptFailed('d-c', { status: null, error: 'refused', nextAt: null })
  assert.deepEqual(due(50), [])
  assert.equal(store.nextDue('w', 50), 70)
  store.release('w', 55)
  assert.deepEqual(due(55), ['d-b', 'd-later'])
  assert.equal(store.giveUp('w', 40, 'away'), 1, 'only what has waited since before')
  assert.deepEqual(
    store.deliveries('p_1', { limit: 9 }).map(({ id, state, error }) => [id, state, error]),
    [
      ['d-later', 'waiting', null],
      ['d-b', 'failed', 'answered 500'],
      ['d-a', 'delivered', null],
      ['d-c', 'failed', 'refused']
    ]
  )
})

test('the log of deliveries forgets by age, number and size, never what still waits, and only in its project', (t) => {
  const { store, enqueue } = openStore(t)
  enqueue('other', 1, '{}', 'p_2')
  store.delivered('d-other', 200, 2)
  enqueue('waits', 1)
  for (const at of [10, 20, 30, 40]) {
    enqueue(`o_${at}`, at, 'x'.repeat(100))
    store.delivered(`d-o_${at}`, 200, at)
  }
  const left = () => store.deliveries('p_1', { limit: 99 }).map(({ planId }) => planId)
  store.prune('p_1', { before: 15, most: 99, mostBytes: 1e9 })
  assert.deepEqual(left(), ['o_40', 'o_30', 'o_20', 'waits'])
  store.prune('p_1', { before: 0, most: 2, mostBytes: 1e9 })
  assert.deepEqual(left(), ['o_40', 'o_30', 'waits'])
  store.prune('p_1', { before: 0, most: 99, mostBytes: 150 })
  assert.deepEqual(left(), ['o_40', 'waits'])
  assert.equal(store.deliveries('p_2', { limit: 9 }).length, 1)
})
