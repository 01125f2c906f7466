import assert from 'node:assert/strict'
import test from 'node:test'
import { commandOf, dataToRows, jsonToData, rowsToData } from '../../renderer/features/plans/action-data.ts'
import { cardHeight, cardWidth, layOutGraph } from '../../renderer/features/plans/graph-layout.ts'
import { addressOf, placeOf } from '../../renderer/features/plans/place.ts'
import { searchPlans } from '../../renderer/features/plans/plan-list.ts'
import { barsOf } from '../../renderer/features/plans/timeline-bars.ts'

const edge = (from: string, to: string, field = 'x') => ({ from, field, to, input: field })

test('levels stand from left to right, and no card covers another', () => {
  const { spots, width, height } = layOutGraph({ levels: [['task0'], ['a', 'b', 'c'], ['d']], edges: [] })
  const all = [...spots.values()]
  for (const [i, one] of all.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + cardWidth <= width && one.y + cardHeight <= height)
    for (const other of all.slice(i + 1)) assert.ok(Math.abs(one.x - other.x) >= cardWidth || Math.abs(one.y - other.y) >= cardHeight)
  }
  assert.ok((spots.get('task0')?.x ?? 0) < (spots.get('a')?.x ?? 0))
})

test('fields between the same two tasks share an edge, and an edge over a level passes below the cards', () => {
  const edges = [edge('task0', 'a', 'x'), edge('task0', 'a', 'y'), edge('task0', 'b'), edge('gone', 'b')]
  const layout = layOutGraph({ levels: [['task0'], ['a'], ['b']], edges })
  assert.deepEqual(
    layout.edges.map(({ from, to, fields }) => [from, to, fields.length]),
    [
      ['task0', 'a', 2],
      ['task0', 'b', 1]
    ]
  )
  assert.ok((layout.edges[1]?.middle.y ?? 0) > Math.max(...[...layout.spots.values()].map(({ y }) => y + cardHeight)))
})

test('values of rows are JSON where they can be, and what looks like JSON but is text stays text on the way back', () => {
  const rows = [
    { id: 0, field: ' n ', value: '2' },
    { id: 1, field: 'name', value: 'ORD-7' },
    { id: 2, field: '', value: 'left out' }
  ]
  assert.deepEqual(rowsToData(rows), [
    { field: 'n', value: 2 },
    { field: 'name', value: 'ORD-7' }
  ])
  const data = [
    { field: 'text', value: '7' },
    { field: 'list', value: [1] }
  ]
  assert.deepEqual(rowsToData(dataToRows(data)), data)
  assert.deepEqual(jsonToData('{"a":null}'), [{ field: 'a', value: null }])
  for (const text of ['[1]', 'null', '"x"', '{']) assert.equal(jsonToData(text), undefined)
  assert.equal(commandOf("it's", [{ field: 'n', value: 2 }]), "plan run 'it'\\''s' -d n=2")
})

test('addresses name tabs, plans and projects', () => {
  for (const place of [
    { type: 'tab', tab: 'plans' },
    { type: 'tab', tab: 'cache' },
    { type: 'plan', id: 'o_1' }
  ] as const) {
    const [part] = addressOf(place, undefined).replace('/plans', '').split('/').filter(Boolean)
    assert.deepEqual(placeOf(part), place)
  }
  assert.equal(addressOf({ type: 'plan', id: 'o_1' }, 'p 1'), '/plans/o_1?project=p%201')
})

test('plans are found by every word, in the action, the id or the failure', () => {
  const plan = { id: 'o_1', action: 'Refund order', failure: { code: 'task_failed', message: 'no stock' } } as const
  for (const [search, isFound] of [
    ['REFUND stock', true],
    ['o_1', true],
    ['', true],
    ['refund none', false]
  ] as const)
    assert.equal(searchPlans([plan], search).length === 1, isFound, search)
})

test('bars stay within their row, and what goes on goes to its end', () => {
  const sending = { attempt: 1, sentMs: 50, acceptedMs: null, endMs: null, outcome: 'running', error: null } as const
  assert.deepEqual(barsOf([sending], [{ type: 'retry', fromMs: 0, toMs: 50, reason: '' }], 100), [
    { kind: 'wait', from: 0, width: 50 },
    { kind: 'work', from: 50, width: 50 }
  ])
})
