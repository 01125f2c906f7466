import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ActionParameter, PlanningAttempt, Service } from '#contracts/plan.ts'
import { loadLlamaEngine } from '../../../server/engines/llama/llama-engine.ts'
import { toAppError } from '../../../server/errors.ts'
import { createLog } from '../../../server/log.ts'
import { createModelPlanner } from '../../../server/plans/planning/model-planner.ts'
import { toDraft } from '../../../server/plans/planning/plan-draft.ts'
import { validatePlan } from '../../../server/plans/planning/validate-plan.ts'
import { createQueuedModel, type Submit } from '../../../server/queued-model.ts'
import { testService } from '../../helpers/plan-services.ts'
import { chatWeights } from '../../helpers/weights.ts'

const log = createLog({ level: 'silent' })
const path = await chatWeights()
const engine = await loadLlamaEngine({ modelId: 'm', path, kind: 'chat', threads: 1, slots: 1, contextWindow: 4096, gpu: false, log })
after(() => engine[Symbol.asyncDispose]())

/** The engine itself, where there is a queue otherwise. */
const submit: Submit = async (submission, listener) => {
  const stop = new AbortController()
  assert.ok(submission.kind === 'chat')
  const { request } = submission
  setImmediate(async () => {
    try {
      for await (const event of engine.chat(request, stop.signal)) listener([{ ...event, jobId: 'j', seq: 0 }])
    } catch (error) {
      const { code, message, retryable } = toAppError(error)
      listener([{ type: 'error', code, message, retryable, jobId: 'j', seq: 0 }])
    }
  })
  return { jobId: 'j', leave: () => stop.abort() }
}

const services = [
  testService(
    'find customer',
    { email: { type: 'string', format: 'email' } },
    { customerId: 'string', address: 'string' },
    { description: 'Finds a customer' }
  ),
  testService(
    'search products',
    { description: 'string', 'maxPrice?': 'number' },
    { productId: 'string', price: 'number' },
    { description: 'Finds a product' }
  ),
  testService(
    'create order',
    { customerId: 'string', productId: 'string', quantity: 'integer' },
    { orderId: 'string' },
    { description: 'Makes an order' }
  ),
  testService('send message', { to: 'string', text: 'string' }, { messageId: 'string' }, { description: 'Sends a message to an address' }),
  testService('translate', { text: 'string', language: { type: 'string', enum: ['French', 'German', 'Spanish'] } }, { translation: 'string' })
]
const actions: { action: string; data: Record<string, ActionParameter['value']>; uses: Service[] }[] = [
  { action: 'Create an order of two pieces', data: { email: 'a@b.c', description: 'a red lamp' }, uses: services.slice(0, 3) },
  { action: 'Translate the note to German and send the message', data: { note: 'Hello', address: 'x@y.z' }, uses: services.slice(3) },
  { action: 'Search for products', data: { wish: 'an umbrella' }, uses: services.slice(1, 2) }
]

async function plan(action: string, values: Record<string, ActionParameter['value']>, size: number) {
  const data = Object.entries(values).map(([field, value]) => ({ field, value }))
  const attempts: PlanningAttempt[] = []
  const model = createQueuedModel({ submit, model: () => ({ id: 'm', size, contextWindow: 4096 }) })
  const outcome = await createModelPlanner({ model, log }).plan(
    {
      action,
      data,
      services,
      grounding: undefined,
      example: undefined,
      clientId: 'c',
      requestId: 'r',
      deadlineAt: Date.now() + 300_000,
      onAttempt: (attempt) => attempts.push(attempt)
    },
    new AbortController().signal
  )
  if (outcome.type === 'planned') {
    assert.equal(validatePlan({ draft: toDraft(outcome.plan), data, services, failedAttempts: 0 }).type, 'valid')
    assert.deepEqual(attempts.at(-1)?.findings ?? [], [])
  }
  return outcome
}

for (const { action, data, uses } of actions) {
  test(`the default model plans at the first try: ${action}`, async () => {
    const outcome = await plan(action, data, 98_000_000)
    assert.ok(outcome.type === 'planned', JSON.stringify(outcome))
    assert.deepEqual(outcome.plan.tasks.map(({ service }) => service).sort(), uses.map(({ id }) => id).sort())
  })
}

test('treated as a model that can choose, it still writes nothing that is no plan', async () => {
  for (const { action, data } of actions) {
    const outcome = await plan(action, data, 5e9)
    assert.notEqual(outcome.type, 'failed', JSON.stringify(outcome))
  }
})
