import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { registerProject } from '../helpers/plan-client.ts'
import { connectPlanService } from '../helpers/plan-service.ts'
import { startTestServer } from '../helpers/server.ts'
import { startWebhookReceiver } from '../helpers/webhook-receiver.ts'

const server = await startTestServer({ after }, { until: 'listening', env: { OUTPOST_PLANNER: 'deterministic' } })
const webhooks = await startWebhookReceiver({ after })
const newProject = () => registerProject(server.url, { webhooks: [webhooks.url] })
const echo = ({ input }: { input: Record<string, unknown> }) => ({ message: input['message'] })
const text = { type: 'object', properties: { message: { type: 'string' } } }
const nested = (depth: number, open: string, middle: string, close: string) => open.repeat(depth) + middle + close.repeat(depth)

test('hostile names, schemas and bodies are refused as the client’s fault, and the server lives on', async () => {
  const project = await newProject()
  const service = (changes: object) =>
    JSON.stringify({ name: 'echo', description: 'Says it again.', schema: { input: text, output: text }, ...changes })
  const input = (schema: unknown) => service({ schema: { input: schema, output: text } })
  const recursive = { $ref: '#/$defs/a', $defs: { a: { type: 'object', properties: { next: { $ref: '#/$defs/a' } } } } }
  const hugePattern = { type: 'object', properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`p${i}`, { type: 'string' }])) }
  const bodies: [string, string][] = [
    ...['', '../x', 'a', 'A B', 'x'.repeat(5000), 'évil', 'x\u0000y', '<script>'].map((name): [string, string] => [
      '/register/service',
      service({ name })
    ]),
    ['/register/service', input(recursive)],
    ['/register/service', input(hugePattern)],
    ['/register/service', input({ type: 'object', properties: { constructor: { type: 'string' } } })],
    ['/register/service', input(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'))],
    ['/register/service', input({ type: 'object', properties: { '$task0.x': { type: 'string' } } })],
    ['/register/service', input({ $ref: 'http://169.254.169.254/latest' })],
    ['/register/service', `{"name":"deep","description":"d","schema":{"input":${nested(5000, '{"type":"array","items":', '{}', '}')},"output":{}}}`],
    ['/register/service', nested(100_000, '[', '', ']')],
    ['/register/service', '{"name":'],
    ['/register/service', 'null'],
    ['/register/service', '[]'],
    ['/register/service', '\u0000'],
    ['/orchestrations', '{"action":{"content":""}}'],
    ['/orchestrations', `{"action":{"content":"${'x'.repeat(40_000)}"}}`],
    ['/orchestrations', '{"action":{"content":"x"},"data":[{"field":"","value":1}]}'],
    ['/orchestrations', '{"action":{"content":"x"},"timeout":"-5s"}'],
    ['/orchestrations', '{"action":{"content":"x"},"timeout":{"Duration":1e400}}'],
    ['/webhooks', '{"url":"file:///etc/passwd"}'],
    ['/webhooks', '{"url":"http://169.254.169.254/"}']
  ]
  for (const [path, body] of bodies) {
    const response = await fetch(server.url + path, { method: 'POST', headers: { authorization: `Bearer ${project.key}` }, body })
    assert.ok(response.status >= 400 && response.status < 500, `${path} ${body.slice(0, 100)} was answered with ${response.status}`)
  }
  assert.equal((await fetch(`${server.url}/health`)).status, 200)
})

test('a project of 500 services registers, lists and plans, and others are answered meanwhile', async (t) => {
  const project = await newProject()
  const first = await connectPlanService(t, {
    url: server.url,
    projectKey: project.key,
    name: 'greeter',
    description: 'Greets visitors with their message.',
    handler: echo
  })
  await Promise.all(
    Array.from({ length: 499 }, async (_, i) => {
      const body = {
        name: `unit-${i}`,
        description: `Measures sensor number ${i} of the plant.`,
        schema: { input: text, output: text },
        revertible: false
      }
      assert.equal((await project.call('POST', '/register/service', body)).status, 200)
    })
  )
  let longest = 0
  let done = false
  const others = (async () => {
    while (!done) {
      const begun = performance.now()
      assert.equal((await fetch(`${server.url}/health`)).status, 200)
      longest = Math.max(longest, performance.now() - begun)
    }
  })()
  const plan = await project.run('Greet the visitors', { message: 'hello' })
  const ended = await webhooks.ended(plan.id)
  done = true
  await others
  t.diagnostic(`others waited ${longest.toFixed(0)} ms at most`)
  assert.deepEqual(ended.body['results'], [{ message: 'hello' }])
  assert.equal(first.requests.items.length, 1)
})

test('a plan that is not done by its deadline fails and says so', async (t) => {
  const project = await newProject()
  const service = await connectPlanService(t, { url: server.url, projectKey: project.key, name: 'sleeper', handler: () => new Promise(() => {}) })
  const order = { action: 'Sleep over this message', data: [{ field: 'message', value: 'x' }], deadlineMs: 1000 }
  const { body } = await project.call<{ plan: { failure: { code: string; message: string } } }>('POST', '/outpost/plans', order)
  assert.equal(body.plan.failure.code, 'deadline_exceeded')
  assert.match(body.plan.failure.message, /task1/)
  assert.equal(service.requests.items.length, 1)
})

test('a webhook target that was down hears of each plan once when it is back', async (t) => {
  const project = await newProject()
  await connectPlanService(t, { url: server.url, projectKey: project.key, name: 'echo', handler: echo })
  webhooks.answer = 503
  const plans = await Promise.all(['a', 'b', 'c'].map((message) => project.run('Echo this message', { message })))
  await webhooks.received.first(({ body }) => plans.some(({ id }) => id === body.orchestration_id))
  webhooks.answer = 200
  const before = webhooks.received.items.length
  for (const { id } of plans)
    await webhooks.received.first((each) => each.body.orchestration_id === id && webhooks.received.items.indexOf(each) >= before)
  const deliveries = await project.call<{ deliveries: { planId: string }[] }>('GET', '/outpost/deliveries')
  assert.equal(deliveries.body.deliveries.length, 3)
})
