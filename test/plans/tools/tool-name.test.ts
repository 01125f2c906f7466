import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toolServiceId } from '../../../server/plans/tools/tool.ts'
import { toolName } from '../../../server/plans/tools/tool-name.ts'

test('names are what a tool is called where it comes from, in the characters of services', () => {
  const none = new Set<string>()
  assert.deepEqual(
    ['listOrders', 'GET /orders/{id}', 'v1.users_list', 'XMLExport2Go'].map((operation) => toolName('shop', operation, none)),
    ['shop.list-orders', 'shop.get-orders-id', 'shop.v1.users-list', 'shop.xmlexport2-go']
  )
})

test('what is too long, taken or without a usable character gets a name of its own, the same every time', () => {
  const names = [
    toolName('shop', 'x'.repeat(200), new Set()),
    toolName('shop', 'list_orders', new Set(['shop.list-orders'])),
    toolName('shop', '注文', new Set()),
    toolName('shop', '在庫', new Set())
  ]
  assert.equal(new Set(names).size, 4)
  for (const name of names) assert.match(name, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
  assert.equal(names[2], toolName('shop', '注文', new Set()))
})

test('the id of a service follows from its project and name alone', () => {
  const id = toolServiceId('p_1', 'shop.list-orders')
  assert.match(id, /^s_[a-z]{28}$/)
  assert.equal(toolServiceId('p_1', 'shop.list-orders'), id)
  assert.equal(new Set([id, toolServiceId('p_2', 'shop.list-orders'), toolServiceId('p_1', 'shop.list-order')]).size, 3)
})
