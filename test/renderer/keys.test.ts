import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import type { Key } from '#contracts/key.ts'
import { firstCall } from '../../renderer/features/keys/first-call.ts'
import { countOf, listKeys } from '../../renderer/features/keys/key-list.ts'

const key = (name: string, changes: Partial<Key> = {}): Key => ({
  id: name,
  name,
  role: 'user',
  lane: 'interactive',
  prefix: 'op-abc',
  createdAt: '2026-01-01T00:00:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
  projectId: null,
  ...changes
})
const keys = [
  key('gone', { revokedAt: '2026-02-01T00:00:00.000Z', createdAt: '2026-03-01T00:00:00.000Z' }),
  key('old'),
  key('new', { createdAt: '2026-02-01T00:00:00.000Z', projectId: 'p1' })
]
const names = (...args: [Parameters<typeof listKeys>[1], string]) => listKeys(keys, ...args, () => 'Order desk').map(({ name }) => name)

test('valid keys come first, then the newest', () => {
  assert.deepEqual(names('all', ''), ['new', 'old', 'gone'])
  assert.deepEqual(names('valid', ''), ['new', 'old'])
  assert.deepEqual(names('revoked', ''), ['gone'])
  assert.equal(countOf(keys, 'valid'), 2)
})

test('a key is found by its name, its beginning and its project', () => {
  assert.deepEqual(names('all', 'OLD'), ['old'])
  assert.deepEqual(names('all', 'op-ab'), ['new', 'old', 'gone'])
  assert.deepEqual(names('all', 'order'), ['new'])
})

test('the line that tries a key reaches a shell as it is meant, whatever the model is called', () => {
  const line = firstCall({ origin: 'http://box:4545', secret: 'op-1', role: 'user', model: "it's $(here)" })
  const args = execFileSync('sh', ['-c', line.replace(/^curl /, "printf '%s\\n' ")], { encoding: 'utf8' })
    .trim()
    .split('\n')
  assert.equal(args[0], 'http://box:4545/v1/chat/completions')
  assert.equal(args[2], 'Authorization: Bearer op-1')
  assert.deepEqual(JSON.parse(args.at(-1) ?? ''), { model: "it's $(here)", messages: [{ role: 'user', content: 'Hello' }] })
})

test('a key of a project tries what it may, and one without a model looks at the models', () => {
  assert.match(firstCall({ origin: 'http://box', secret: 'op-1', role: 'project', model: 'small' }), /^curl http:\/\/box\/outpost\/plans /)
  assert.match(firstCall({ origin: 'http://box', secret: 'op-1', role: 'user', model: undefined }), /^curl http:\/\/box\/v1\/models /)
})
