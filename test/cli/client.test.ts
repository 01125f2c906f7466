import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import type { PlanRecord } from '#contracts/plan.ts'
import { findServer } from '../../server/cli/client.ts'
import { loadConfig } from '../../server/config.ts'
import { AppError } from '../../server/errors.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { onEnd } from '../helpers/on-end.ts'

async function serverThatAnswers(t: TestContext, status: number, type: string, body: string) {
  const server = createServer((_request, response) => response.writeHead(status, { 'content-type': type }).end(body))
  onEnd(t, () => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = await findServer(loadConfig({ OUTPOST_HOME: temporaryFolder(t), OUTPOST_URL: url }))
  assert.ok(client)
  return { client, url }
}

test('what the server refuses is thrown with its code and message', async (t) => {
  const body = JSON.stringify({ error: { message: 'there is no key "k"', type: 'invalid_request_error', param: null, code: 'not_found' } })
  const { client } = await serverThatAnswers(t, 404, 'application/json', body)
  await assert.rejects(
    client.call('revokeKey', { params: { id: 'k' } }),
    (error) => error instanceof AppError && error.code === 'not_found' && error.message === 'there is no key "k"'
  )
})

test('a web server that is no Outpost is recognised', async (t) => {
  const { client, url } = await serverThatAnswers(t, 200, 'text/html', '<h1>Welcome</h1>')
  await assert.rejects(client.call('status'), new RegExp(`^AppError: ${url} answered .* is it an Outpost server`))
})

test('an address where nothing listens is named', async (t) => {
  const client = await findServer(loadConfig({ OUTPOST_HOME: temporaryFolder(t), OUTPOST_URL: 'http://127.0.0.1:9' }))
  await assert.rejects(
    async () => client?.call('status'),
    /the server at http:\/\/127\.0\.0\.1:9 does not answer \(ECONNREFUSED\): is OUTPOST_URL right/
  )
})

test('a stream that ends before its last event is an error', async (t) => {
  const event = { type: 'text-delta', index: 0, text: 'half' }
  const { client } = await serverThatAnswers(t, 200, 'text/event-stream', `event: text-delta\ndata: ${JSON.stringify(event)}\n\n`)
  const body = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] }
  await assert.rejects(async () => {
    for await (const got of client.events('chat', { body })) assert.deepEqual(got, event)
  }, /the server ended the answer in the middle/)
})

test('following a plan goes on where it was when the connection breaks, and ends with the plan', async (t) => {
  const event = (offset: number) => ({ type: 'plan-event', event: { type: 'compensation-completed', task: 'task1', offset, at: 1 } })
  const plan: PlanRecord = {
    id: 'o_1',
    projectId: 'p_1',
    clientId: 'c',
    action: 'x',
    data: [],
    approval: [],
    status: 'failed',
    plan: null,
    cache: null,
    warnings: [],
    grounding: null,
    results: null,
    failure: null,
    abortPayload: null,
    timeoutMs: 1,
    gracePeriodMs: 1,
    deadlineAt: null,
    createdAt: 1,
    changedAt: 1
  }
  const status = (settled: boolean) => ({ type: 'plan-status', plan, settled })
  const parts = [
    [event(0), event(1)],
    [{ type: 'error', code: 'shutting_down', message: 'stopping', retryable: true }],
    // It has ended, and is being taken back.
    [status(false), event(2), status(true)]
  ]
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    asked.push(request.headers['last-event-id'])
    const events = parts[asked.length - 1] ?? []
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(events.map((data) => `data: ${JSON.stringify(data)}\n\n`).join(''), () => response.destroy())
  })
  onEnd(t, () => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = await findServer(loadConfig({ OUTPOST_HOME: temporaryFolder(t), OUTPOST_URL: url }))
  assert.ok(client)
  const got: unknown[] = []
  for await (const news of client.followPlan({ params: { id: 'o_1' } })) got.push(news.type === 'plan-event' ? news.event.offset : news.type)
  assert.deepEqual(got, [0, 1, 'plan-status', 2, 'plan-status'])
  assert.deepEqual(asked, [undefined, '1', '1'])
})
