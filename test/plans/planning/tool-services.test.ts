import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionParameter, JsonObject, PlanTask, Service } from '#contracts/plan.ts'
import { resolveInput } from '../../../server/plans/execution/task-input.ts'
import { createDeterministicPlanner } from '../../../server/plans/planning/deterministic-planner.ts'
import { validatePlan } from '../../../server/plans/planning/validate-plan.ts'
import { wireSteps } from '../../../server/plans/planning/wiring.ts'
import { createLlmTools } from '../../../server/plans/tools/llm-tool.ts'
import { testService } from '../../helpers/plan-services.ts'

// Services as toolboxes make them: without inputs, with objects of any form, and with lists of anything.
const orders = testService('list orders', {}, { orders: { type: 'array', items: { type: 'object', properties: {} } }, count: 'integer' })
const store = testService('store report', { report: { type: 'object', properties: {}, required: [] }, 'tags?': { type: 'array' } }, { id: 'string' })
const note = testService('create note', { text: 'string' }, { id: 'string' })
const models = createLlmTools(
  { kind: 'llm', name: 'ai', approval: 'changes', approvals: {} },
  {
    complete: async () => {
      throw new Error('nothing is written here')
    }
  }
)
const llm = (operation: string): Service => {
  const tool = models.find((one) => one.operation === operation)
  assert.ok(tool !== undefined)
  return { ...testService(tool.name, {}, {}), description: tool.description, input: tool.input, output: tool.output, origin: 'llm' }
}
const write = llm('write')
const services = [orders, store, note, write, llm('classify'), llm('extract')]

const toData = (values: Record<string, ActionParameter['value']>) => Object.entries(values).map(([field, value]) => ({ field, value }))

async function plan(action: string, values: Record<string, ActionParameter['value']> = {}, known = services) {
  const request = {
    action,
    data: toData(values),
    services: known,
    grounding: undefined,
    example: undefined,
    clientId: 'c',
    requestId: 'r',
    deadlineAt: 0
  }
  const outcome = await createDeterministicPlanner().plan(request, new AbortController().signal)
  assert.ok(outcome.type === 'planned', JSON.stringify(outcome))
  return outcome.plan
}

/** Whether a plan passes in which these services get these inputs. */
function verdict(tasks: [Service, JsonObject][], values: Record<string, ActionParameter['value']> = {}) {
  const drafts = tasks.map(([service, input], index) => ({ id: `task${index + 1}`, service: service.id.toLowerCase(), input }))
  const draft = { tasks: [{ id: 'task0', service: undefined, input: values }, ...drafts], parallelGroups: null }
  const validation = validatePlan({ draft, data: toData(values), services, failedAttempts: 0 })
  return validation.type === 'invalid' ? validation.findings.map(({ kind }) => kind) : validation.type
}

test('a service without inputs is planned and sent with an empty object', async () => {
  const { tasks } = await plan('List the orders', {}, [orders, note])
  assert.deepEqual(
    tasks.map(({ service, input }) => [service, input]),
    [[orders.id, {}]]
  )
  assert.deepEqual(
    resolveInput(tasks[0] as PlanTask, orders.input, () => undefined),
    { input: {}, missing: [] }
  )
})

test('an input that a service without inputs is given is refused', () => {
  assert.deepEqual(verdict([[orders, { page: '$task0.page' }]], { page: 1 }), ['unsupported_input'])
})

test('an object of any form and a list of anything take what is of their type, and nothing else', () => {
  assert.equal(verdict([[store, { report: '$task0.report', tags: '$task0.tags' }]], { report: { deep: { er: [1] } }, tags: [1, 'two', {}] }), 'valid')
  assert.equal(verdict([[store, { report: '$task0.report' }]], { report: {} }), 'valid')
  assert.deepEqual(verdict([[store, { report: '$task0.report' }]], { report: 'text' }), ['wrong_value'])
  assert.deepEqual(
    verdict([
      [orders, {}],
      [store, { report: '$task1.orders' }]
    ]),
    ['wrong_type']
  )
})

test('a free-form object is wired to the data that is one', async () => {
  const { tasks } = await plan('Store this report', { findings: { any: 'thing' } }, [orders, store])
  assert.deepEqual(tasks[0]?.input, { report: '$task0.findings' })
})

test('a task of a model takes any earlier result, and no other task does', () => {
  for (const field of ['orders', 'count']) {
    const context: JsonObject = { instruction: '$task0.wish', context: `$task1.${field}` }
    const earlier: [Service, JsonObject] = [orders, {}]
    assert.equal(verdict([earlier, [write, context]], { wish: 'Sum this up' }), 'valid')
    assert.deepEqual(verdict([earlier, [note, { text: `$task1.${field}` }]]), ['wrong_type'])
    assert.deepEqual(verdict([earlier, [write, { instruction: `$task1.${field}` }]]), ['wrong_type'])
  }
})

test('a task of a model takes data of any form', () => {
  for (const value of [{ a: 1 }, [1, 2], true, 7, 'text']) {
    assert.equal(verdict([[write, { instruction: '$task0.wish', context: '$task0.given' }]], { wish: 'Sum this up', given: value }), 'valid')
  }
})

test('what a model writes from is an earlier result before it is data, and another task may take what it writes', async () => {
  const { tasks } = await plan('List the orders, write a summary of them and create a note', { author: 'Ada' }, [orders, write, note])
  const by = (service: Service) => tasks.find((task) => task.service === service.id)
  assert.deepEqual(by(orders)?.id, 'task1')
  assert.match(by(write)?.input['context'] ?? '', /^\$task1\./)
  assert.equal(by(note)?.input['text'], `$${by(write)?.id}.text`)
})

test('without earlier results a model is given the data that nothing else takes', async () => {
  const { tasks } = await plan('Write a summary', { letter: 'Dear Ada' }, [write])
  assert.equal(tasks[0]?.input['context'], '$task0.letter')
})

test('which result a model works on is left to who plans, where there are several', () => {
  const steps = [orders, write].map((service, index) => ({ id: `task${index + 1}`, service }))
  const decisions = wireSteps({ steps, data: {}, action: 'Sum up the orders', services, mayInvent: true })
  const context = decisions.find(({ input }) => input === 'context')
  assert.deepEqual(context?.type === 'open' && [context.choices.toSorted(), context.constant, context.optional], [
    ['$task1.count', '$task1.orders'],
    undefined,
    true
  ])
})
