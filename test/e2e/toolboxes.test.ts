import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PlanRecord } from '#contracts/plan.ts'
import { outpost, startOutpost } from '../cli/outpost.ts'
import { startTestServer } from '../helpers/server.ts'
import { bodyOf, startHttp } from '../plans/tools/http-server.ts'

const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const object = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) })
const ofOrders = json(object({ orders: { type: 'array', items: object({ id: { type: 'string' }, state: { type: 'string' } }) } }))
const document = {
  openapi: '3.1.0',
  info: { title: 'Office', version: '1' },
  paths: {
    '/orders': { get: { operationId: 'listOrders', summary: 'Lists the open orders', responses: { 200: { description: 'ok', ...ofOrders } } } },
    '/notes': {
      post: {
        operationId: 'createNote',
        summary: 'Creates a note for the team',
        requestBody: { required: true, ...json(object({ text: { type: 'string' } })) },
        responses: { 201: { description: 'made', ...json(object({ noteId: { type: 'string' } })) } }
      }
    }
  }
}

test('a plan reads an API, lets a model write, and changes something only when a person has approved it', async (t) => {
  const seen: { what: string; key: unknown; body: string }[] = []
  const { url } = await startHttp(t, async (request, response) => {
    seen.push({ what: `${request.method} ${request.url}`, key: request.headers['x-key'], body: await bodyOf(request) })
    const answer = request.method === 'GET' ? { orders: [{ id: 'ORD-7', state: 'open' }] } : { noteId: 'N-1' }
    response.writeHead(request.method === 'GET' ? 200 : 201, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  const server = await startTestServer(t, { env: { OUTPOST_PLANNER: 'deterministic' } })
  const settings = { home: server.home }
  const asked = async (...args: string[]) => {
    const { code, stdout, stderr } = await outpost(t, args, settings)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const file = join(server.home, 'office.json')
  writeFileSync(file, JSON.stringify(document))
  const added = await asked('toolbox', 'add', 'office', '--openapi', file, '--server', url, '--header', 'X-Key: canary-of-the-office')
  assert.match(added, /office\.list-orders +listOrders +runs at once\n.*office\.create-note +createNote +waits for a person/)
  await asked('toolbox', 'add', 'ai', '--llm', '--only', 'write')

  // The fake model says what the last line tells it to.
  const instruction = 'instruction=Sum the orders up.\nfake: say="One order is open."'
  const running = startOutpost(t, ['plan', 'run', 'List the open orders, write a summary, and create a note', '-d', instruction], settings)
  const waits = new Promise<[string, string]>((resolve) =>
    running.child.stderr?.on('data', () => {
      const [, plan, task] = /outpost plan approve (\S+) (\S+)/.exec(running.stderr()) ?? []
      if (plan !== undefined && task !== undefined) resolve([plan, task])
    })
  )
  const early = await Promise.race([waits, running.ended])
  assert.ok(Array.isArray(early), running.stderr())
  const [plan, task] = early
  assert.deepEqual(
    seen.map(({ what }) => what),
    ['GET /orders'],
    'what changes nothing has run, and what changes something has not'
  )
  assert.match(await asked('plan', 'show', plan), /office\.create-note.*waits for approval/)
  await asked('plan', 'approve', plan, task)
  assert.equal(await running.ended, 0, running.stderr())

  assert.deepEqual(seen.slice(1), [{ what: 'POST /notes', key: 'canary-of-the-office', body: '{"text":"One order is open."}' }])
  const details = await asked('plan', 'show', plan, '--json')
  const record: PlanRecord = JSON.parse(details).plan
  assert.deepEqual([record.status, record.results], ['completed', [{ noteId: 'N-1' }]])
  for (const text of [details, added, await asked('toolbox', 'show', 'office', '--json'), server.stdout(), server.stderr()]) {
    assert.doesNotMatch(text, /canary/)
  }
})

test('toolboxes and what they were made from are there after a restart', async (t) => {
  const { url } = await startHttp(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"orders":[]}')
  })
  const first = await startTestServer(t, { env: { OUTPOST_PLANNER: 'deterministic' } })
  const file = join(first.home, 'office.json')
  writeFileSync(file, JSON.stringify(document))
  const asked = async (...args: string[]) => (await outpost(t, args, { home: first.home })).stdout
  const added = JSON.parse(await asked('toolbox', 'add', 'office', '--openapi', file, '--server', url, '--json'))
  await first.stop()
  await startTestServer(t, { home: first.home, env: { OUTPOST_PLANNER: 'deterministic' } })
  assert.deepEqual(JSON.parse(await asked('toolbox', 'show', 'office', '--json')), added)
  assert.deepEqual(JSON.parse(await asked('plan', 'run', 'List the open orders')), { orders: [] })
})
