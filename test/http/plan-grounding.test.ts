import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registerProject } from '../helpers/plan-client.ts'
import { startPlanServer } from '../helpers/plan-server.ts'
import { connectPlanService } from '../helpers/plan-service.ts'

const refunds = {
  name: 'shop-refunds',
  domain: 'shop',
  version: '1.0',
  useCases: [
    {
      action: 'Refund the order {orderId}',
      params: { orderId: 'ORD1' },
      capabilities: ['Pays the money of an order back to its customer'],
      intent: 'A customer wants the money back'
    }
  ],
  constraints: ['The mood of the customer should be good']
}
const text = { type: 'string' }
const refund = {
  name: 'refund',
  description: 'Pays the money of an order back to its customer',
  schema: { input: { type: 'object', properties: { orderId: text } }, output: { type: 'object', properties: { paid: { type: 'boolean' } } } }
}

test('an action that is a use case says so, tells what of its rules nobody checked, and can be had as PDDL', async (t) => {
  await using server = await startPlanServer()
  const project = await registerProject(server.url, { webhooks: ['http://127.0.0.1:9/'] })
  await connectPlanService(t, { url: server.url, projectKey: project.key, ...refund, handler: () => ({ paid: true }) })
  assert.equal((await project.call('POST', '/groundings', refunds)).status, 201)

  const plan = await project.run('Refund the order', { orderId: 'ORD-7' })
  assert.deepEqual((plan['groundingHit'] as { name: string }).name, 'shop-refunds')
  const shown = await project.call<{ plan: { grounding: string; warnings: string[] } }>('GET', `/outpost/plans/${plan.id}`)
  assert.equal(shown.body.plan.grounding, 'shop-refunds@1.0#0')
  assert.match(shown.body.plan.warnings.join(), /mood of the customer/)
  const pddl = await project.call<{ domain: string; problem: string }>('GET', `/outpost/plans/${plan.id}/pddl`)
  assert.match(pddl.body.domain, /\(define \(domain shop\)/)
  assert.match(pddl.body.problem, /ORD_7 - order-id/)

  const stranger = await project.order('Water the plants in the hall', { orderId: 'ORD-7' })
  assert.equal(stranger.status, 500)
  assert.match(JSON.stringify(stranger.body), /no use case of what is known of this project's domain \(shop-refunds\)/)
})

test('a plan that breaks a rule of its grounding is refused, and says which', async (t) => {
  await using server = await startPlanServer()
  const project = await registerProject(server.url, { webhooks: ['http://127.0.0.1:9/'] })
  await connectPlanService(t, { url: server.url, projectKey: project.key, ...refund, handler: () => ({ paid: true }) })
  const strict = { ...refunds, constraints: ['Never pay the money of an order back to its customer'] }
  assert.equal((await project.call('POST', '/groundings', strict)).status, 201)
  const refused = await project.order('Refund the order', { orderId: 'ORD-7' })
  assert.equal(refused.status, 500)
  assert.match(JSON.stringify(refused.body), /Never pay the money/)
})
