import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionParameter, JsonObject } from '#contracts/plan.ts'
import { refill, toKeptPlan } from '../../../server/plans/cache/kept-plan.ts'
import { compareMeaning } from '../../../server/plans/cache/meaning.ts'
import { toShape } from '../../../server/plans/cache/shape.ts'
import { refundPlan } from '../../helpers/shop.ts'

const p = (field: string, value: unknown) => ({ field, value }) as ActionParameter

/** Keeps a plan with this task0 for one action, and fills it for another: its task0, or why not. */
function reuse(
  kept: { action: string; data?: ActionParameter[]; taskZero: JsonObject },
  asked: { action: string; data?: ActionParameter[] }
): JsonObject | string {
  const keptData = kept.data ?? []
  const askedData = asked.data ?? []
  const shape = toShape(kept.action, keptData, () => false)
  const other = toShape(asked.action, askedData, () => false)
  const comparison = compareMeaning(shape.words, other.words)
  assert.notEqual(comparison.type, 'different')
  const result = refill(
    toKeptPlan(refundPlan(kept.taskZero), shape, keptData).kept,
    other,
    comparison.type === 'different' ? [] : comparison.order,
    askedData
  )
  return result.ok ? result.plan.taskZero : result.reason
}

test('two values that were equal stay apart when they differ later', () => {
  const result = reuse(
    { action: 'Transfer it', data: [p('from', 'A'), p('to', 'A')], taskZero: { from: 'A', to: 'A' } },
    { action: 'Transfer it', data: [p('from', 'B'), p('to', 'C')] }
  )
  assert.deepEqual(result, { from: 'B', to: 'C' })
})

test('a constant that happens to equal a value of the data stays', () => {
  const result = reuse(
    { action: 'Order it', data: [p('quantity', 1)], taskZero: { quantity: 1, limit: 1, express: true } },
    { action: 'Order it', data: [p('quantity', 5)] }
  )
  assert.deepEqual(result, { quantity: 5, limit: 1, express: true })
})

test('a constant that may be a copy of a value of the data keeps the plan to that value', () => {
  const kept = { action: 'Greet them', data: [p('name', 'Anna')], taskZero: { name: 'Anna', message: 'Hello Anna!' } }
  assert.match(String(reuse(kept, { action: 'Greet them', data: [p('name', 'Bob')] })), /may be a copy of “name”/)
  assert.deepEqual(reuse(kept, { action: 'Greet them', data: [p('name', 'Anna')] }), kept.taskZero)
})

test('a value of the action goes where the value at the same place of the kept action went', () => {
  const kept = { action: 'Order 3 boxes of A-17 until 2026-11-24', taskZero: { count: 3, article: 'A-17', note: 'A-17, please by 2026-11-24' } }
  const result = reuse(kept, { action: 'Order 12 boxes of B-4 until 2026-12-01', data: [] })
  assert.deepEqual(result, { count: 12, article: 'B-4', note: 'B-4, please by 2026-12-01' })
})

test('values inside of lists and objects are found too', () => {
  const kept = { action: 'Check ORD-1 and ORD-2', taskZero: { orders: [{ id: 'ORD-1' }, { id: 'ORD-2' }] as never } }
  assert.deepEqual(reuse(kept, { action: 'Check X7 and X8' }), { orders: [{ id: 'X7' }, { id: 'X8' }] })
})

test('values of the action that were equal and are not any more are not guessed', () => {
  const kept = { action: 'Move 555 boxes to rack 555', taskZero: { count: 555 } }
  assert.match(String(reuse(kept, { action: 'Move 777 boxes to rack 999' })), /“count” may come from several values/)
  assert.deepEqual(reuse(kept, { action: 'Move 777 boxes to rack 777' }), { count: 777 })
})

test('a value of the action that left no trace in the plan has to be the same again', () => {
  const kept = { action: 'Report for 2026-11-24', taskZero: { month: 'November' } }
  assert.match(String(reuse(kept, { action: 'Report for 2026-12-24' })), /“2026-11-24”/)
  assert.deepEqual(reuse(kept, { action: 'Report for 2026-11-24' }), { month: 'November' })
})

test('a value that is in the action and in the data may change in both together', () => {
  const kept = { action: 'Refund ORD-1', data: [p('orderId', 'ORD-1')], taskZero: { orderId: 'ORD-1' } }
  assert.deepEqual(reuse(kept, { action: 'Refund ORD-2', data: [p('orderId', 'ORD-2')] }), { orderId: 'ORD-2' })
  assert.match(String(reuse(kept, { action: 'Refund ORD-2', data: [p('orderId', 'ORD-9')] })), /cannot be told apart/)
})

test('of two small constants that equal one number of the action, neither is replaced', () => {
  const kept = { action: 'Order 3 boxes', taskZero: { count: 3, retries: 3 } }
  assert.match(String(reuse(kept, { action: 'Order 4 boxes' })), /“3”/)
  assert.deepEqual(reuse(kept, { action: 'Order 3 boxes' }), { count: 3, retries: 3 })
})

test('a number that is part of a name in the plan has to be the same again', () => {
  const kept = { action: 'Return 10 results', taskZero: { limit: 10, title: 'Top 10 list' } }
  assert.match(String(reuse(kept, { action: 'Return 20 results' })), /“10”/)
})

test('a value that the planner gave another name is found by its value, where only one has it', () => {
  const kept = { action: 'Echo it', data: [p('customerId', 'c-1'), p('count', 800)], taskZero: { message: 'c-1', number: '800' } }
  assert.deepEqual(reuse(kept, { action: 'Echo it', data: [p('customerId', 'c-2'), p('count', 900)] }), { message: 'c-2', number: '900' })
})

test('a constant that quotes the action keeps the plan to actions with these words', () => {
  const kept = { action: 'Create the summer sale', taskZero: { title: 'create the summer sale' } }
  assert.match(String(reuse(kept, { action: 'Make the summer sale' })), /uses the words/)
})
