import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlanGraph } from '#contracts/plan-views.ts'
import { toGraph } from '../../../server/plans/views/graph.ts'
import { failedPurchase, sent, shopPlan, start } from './shop-plan.ts'

test('a graph has the tasks in levels, the data, and which field goes where', () => {
  const graph = PlanGraph.parse(toGraph(failedPurchase(), start + 5000))
  assert.deepEqual(graph.levels, [['task0'], ['task1', 'task10'], ['task2'], ['task3']])
  assert.deepEqual(graph.nodes[0], { type: 'data', id: 'task0', level: 0, fields: ['item', 'buyer', 'count'] })
  assert.deepEqual(graph.edges, [
    { from: 'task0', field: 'item', to: 'task1', input: 'item' },
    { from: 'task0', field: 'item', to: 'task10', input: 'item' },
    { from: 'task0', field: 'buyer', to: 'task10', input: 'buyer' },
    { from: 'task1', field: 'id', to: 'task2', input: 'stock' },
    { from: 'task0', field: 'item', to: 'task2', input: 'item' },
    { from: 'task2', field: 'id', to: 'task3', input: 'reservation' },
    { from: 'task10', field: 'id', to: 'task3', input: 'price' }
  ])
  assert.deepEqual(
    graph.nodes.flatMap((node) => (node.type === 'task' ? [[node.id, node.serviceName, node.state, node.compensation, node.durationMs]] : [])),
    [
      ['task1', 'Stock', 'completed', null, 9],
      ['task10', 'Price', 'completed', 'failed', 39],
      ['task2', 'Reserve', 'completed', 'partial', 39],
      ['task3', 'Pay', 'failed', null, 799]
    ]
  )
})

test('a task that runs has lasted until now, one that waits has not begun', () => {
  const { nodes } = toGraph(shopPlan({}, [[5, sent('task1')]]), start + 25)
  const durations = nodes.flatMap((node) => (node.type === 'task' ? [node.durationMs] : []))
  assert.deepEqual(durations, [20, null, null, null])
})

test('a level is the longest way there, in whatever order the tasks stand', () => {
  const plan = shopPlan()
  plan.record.plan?.tasks.reverse()
  assert.deepEqual(toGraph(plan, start).levels, [['task0'], ['task10', 'task1'], ['task2'], ['task3']])
})

test('an action without a plan has an empty graph', () => {
  assert.deepEqual(toGraph(shopPlan({ plan: null, status: 'failed' }), start), { nodes: [], edges: [], levels: [] })
})
