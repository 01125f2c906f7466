import assert from 'node:assert/strict'
import { z } from 'zod'
import { startPlanServer } from '../../helpers/plan-server.ts'
import { echo } from '../../http/scripted-plans.ts'
import type { Check } from '../run.ts'

const Input = z.strictObject({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
  /** What there is before, in words. */
  given: z.string().default('')
})
const Expected = z.strictObject({
  status: z.int(),
  /** The whole body: a text as it stands, or a JSON value. */
  body: z.unknown().optional(),
  body_contains: z.record(z.string(), z.unknown()).default({}),
  body_matches: z.record(z.string(), z.string()).default({}),
  error: z.record(z.string(), z.unknown()).optional(),
  /** The answer has the id of what was there before. */
  same_id: z.boolean().default(false),
  /** Groundings that are left. */
  remaining: z.int().optional()
})

type Answer = { status: number; headers: Headers; text: string; json: unknown }

/** Sends the case's request to the real HTTP side, with a project and its key in place of `project-api-key`. */
export const check: Check = async (given, wanted) => {
  const input = Input.parse(given)
  const expected = Expected.parse(wanted)
  await using server = await startPlanServer()
  const project = await register(server, /no webhook/i.test(input.given) ? [] : ['http://localhost:9/hook'])
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = { Authorization: `Bearer ${project.apiKey}` }) =>
    send(server, method, path, body, headers)

  let before: { id?: string } = {}
  const asService = { ...echo, ...(isObject(input.body) && input.path.startsWith('/register/') ? input.body : {}), schema: echo.schema }
  if (/spec.* applied/i.test(input.given)) await call('POST', '/groundings', grounding(input.path.split('/')[2] ?? 'customer-support-examples'))
  if (/registered once/i.test(input.given)) before = (await call('POST', input.path, { ...asService, id: null })).json as { id: string }
  if (/valid plan|not actionable/i.test(input.given)) await call('POST', '/register/service', echo)

  const headers = Object.fromEntries(
    Object.entries(input.headers).map(([name, value]) => [name, value.replace(/^Bearer project-api-key$/, `Bearer ${project.apiKey}`)])
  )
  const answer = await call(input.method, input.path, filled(input.body, before.id), headers)

  assert.equal(answer.status, expected.status, answer.text)
  assert.ok(answer.headers.has('x-orra-planeengine-version'), 'the header with the version')
  if (answer.status === 403) assert.equal(answer.text, '')
  else if (answer.status >= 400) {
    const { error } = answer.json as { error: Record<string, unknown> }
    assert.equal(typeof error['kind'], 'string')
    assert.ok(!answer.text.includes(project.apiKey) && !answer.text.includes('invalid-key'), 'the key is not echoed')
    for (const [name, value] of Object.entries(expected.error ?? {})) assert.deepEqual(error[name], value, `error.${name}`)
  }
  if (typeof expected.body === 'string') assert.equal(answer.text, expected.body)
  else if (expected.body !== undefined) assert.deepEqual(answer.json, expected.body)
  for (const [name, value] of Object.entries(expected.body_contains)) assert.deepEqual((answer.json as Record<string, unknown>)[name], value, name)
  for (const [name, pattern] of Object.entries(expected.body_matches)) {
    assert.match(String((answer.json as Record<string, unknown>)[name]), new RegExp(pattern), name)
  }
  if (expected.same_id) assert.equal((answer.json as { id: string }).id, before.id)
  if (expected.remaining !== undefined) {
    assert.equal(((await call('GET', '/groundings')).json as unknown[] | null)?.length ?? 0, expected.remaining)
  }
}

async function register(server: { url: string }, webhooks: string[]): Promise<{ apiKey: string }> {
  const { json } = await send(server, 'POST', '/register/project', { name: 'vectors', webhooks }, {})
  return json as { apiKey: string }
}

async function send({ url }: { url: string }, method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: text === '' ? undefined : JSON.parse(text) }
}

/** What stands in angle brackets for something of the run. */
function filled(body: unknown, idBefore: string | undefined): unknown {
  if (!isObject(body)) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, value === '<id from before>' ? idBefore : value === '<same>' ? echo.schema : value])
  )
}

function grounding(name: string) {
  const useCase = { action: 'Handle an inquiry about {orderId}', params: { orderId: 'ORD1' }, capabilities: ['Look orders up'], intent: 'Help' }
  return { name, domain: 'customer-support', version: '1.0', useCases: [useCase], constraints: [] }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
