import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { descendantsOf, isAlive, until } from './processes.ts'

test('a test that is killed leaves no server behind', async () => {
  const killed = fork(new URL('./server-process.ts', import.meta.url), { execArgv: [], env: { ...process.env, NODE_TEST_CONTEXT: undefined } })
  await once(killed, 'message')
  const family = descendantsOf(killed.pid!)
  assert.ok(family.length >= 2, 'a server and its worker')
  killed.kill('SIGKILL')
  await until(() => family.every((pid) => !isAlive(pid)), 'no process of it is left')
})
