import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PullsReply } from '#contracts/api.ts'
import type { PullStatus } from '#contracts/pull.ts'
import { problemOf } from '../helpers/problem.ts'
import { startScripted } from './scripted-services.ts'

const running: PullStatus = {
  model: 'small',
  state: 'running',
  received: 100,
  total: 400,
  file: 'weights.bin',
  source: 'mirror http://files.lan/',
  bytesPerSecond: 50,
  msLeft: 6000,
  limitRate: null,
  failures: [{ file: 'weights.bin', source: 'folder /media/usb', reason: 'has no such file' }],
  warnings: [],
  error: null,
  startedAt: 1,
  endedAt: null
}

/** A server with one pull, which the test moves along. */
async function startWithPull() {
  const server = await startScripted()
  const listeners = new Set<(status: PullStatus) => void>()
  let status = running
  const { models } = server.services
  Object.assign(models.pulls, {
    list: () => [status],
    find: (id: string) => (id === 'small' ? status : undefined),
    stop: (id: string) => id === 'small',
    follow: (_id: string, listener: (status: PullStatus) => void) => {
      listeners.add(listener)
      listener(status)
      return () => listeners.delete(listener)
    }
  })
  const { secret } = server.services.keys.create({ name: 'admin', role: 'administrator', lane: 'interactive' })
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const move = (change: Partial<PullStatus>) => {
    status = { ...status, ...change }
    for (const listener of [...listeners]) listener(status)
  }
  return { server, headers, move, listeners }
}

test('an administrator sees pulls with rate, time left and what each source answered; others do not', async () => {
  const { server, headers } = await startWithPull()
  await using _closed = server
  const { pulls } = PullsReply.parse(await (await fetch(`${server.url}/outpost/pulls`, { headers })).json())
  assert.deepEqual(pulls, [running])
  assert.equal((await problemOf(await fetch(`${server.url}/outpost/pulls`, { headers: { authorization: 'Bearer local' } }))).code, 'forbidden')
})

test('a pull is ordered by name or place with a rate, and stopped', async () => {
  const { server, headers } = await startWithPull()
  await using _closed = server
  const order = (body: object) => fetch(`${server.url}/outpost/pulls`, { method: 'POST', headers, body: JSON.stringify(body) })
  assert.deepEqual(await (await order({ model: 'hf:org/repo:Q4_K_M', limitRate: 50_000 })).json(), { accepted: true, model: 'hf:org/repo:Q4_K_M' })
  assert.deepEqual(server.orders, ['order hf:org/repo:Q4_K_M'])
  const refused = await problemOf(await order({ model: 'x', limitRate: 1 }))
  assert.deepEqual([refused.status, refused.code], [400, 'invalid_request'])
  assert.deepEqual(
    await (await fetch(`${server.url}/outpost/pulls/small`, { method: 'DELETE', headers: { authorization: headers.authorization } })).json(),
    { stopped: true, model: 'small' }
  )
  assert.equal(
    (await problemOf(await fetch(`${server.url}/outpost/pulls/none`, { method: 'DELETE', headers: { authorization: headers.authorization } }))).code,
    'not_found'
  )
})

test('the events of a pull tell how it stands and end with its end', async () => {
  for (const [end, last] of [
    [{ state: 'done', received: 400 }, /event: pull-end\ndata: \{"type":"pull-end","model":"small","state":"done","received":400/],
    [
      { state: 'failed', error: { code: 'weights_unavailable', message: 'gone' } },
      /event: error\ndata: \{"type":"error","code":"weights_unavailable","message":"gone","retryable":true\}/
    ]
  ] as const) {
    const { server, headers, move, listeners } = await startWithPull()
    await using _closed = server
    const response = await fetch(`${server.url}/outpost/pulls/small/events`, { headers })
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    move({ received: 200 })
    move(end as Partial<PullStatus>)
    const text = await response.text()
    assert.match(text, /^event: pull-progress\ndata: \{"type":"pull-progress","model":"small","state":"running","received":100/)
    assert.match(text, last)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(listeners.size, 0, 'nobody listens any more')
  }
})

test('a reader of a pull’s events that leaves is forgotten, and one without a pull is told', async () => {
  const { server, headers, listeners } = await startWithPull()
  await using _closed = server
  const leave = new AbortController()
  const response = await fetch(`${server.url}/outpost/pulls/small/events`, { headers, signal: leave.signal })
  assert.equal(listeners.size, 1)
  leave.abort()
  await response.text().catch(() => {})
  while (listeners.size > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await problemOf(await fetch(`${server.url}/outpost/pulls/none/events`, { headers }))).code, 'not_found')
})
