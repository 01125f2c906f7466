import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SchemaNode } from '#contracts/plan.ts'
import { fromJsonSchema } from '../../../server/plans/tools/from-json-schema.ts'

function read(schema: unknown, use: 'input' | 'output' = 'input', root: unknown = schema) {
  const notes: string[] = []
  const node = fromJsonSchema(schema, { root, use, place: 'it', notes })
  assert.deepEqual(SchemaNode.parse(node), node, 'it is in the form of services')
  return { node, notes }
}

test('descriptions, values, bounds and defaults reach the planner', () => {
  const { node, notes } = read({
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: ['string', 'null'], enum: ['s', 'm', null], description: 'How big.\nReally.', default: 'm' },
      count: { type: 'integer', minimum: 1, exclusiveMaximum: 10, format: 'int32' },
      share: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1 },
      kind: { const: 'book' },
      tags: { type: 'array', items: { title: 'A tag', type: 'string' } }
    }
  })
  assert.deepEqual(node, {
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: 'string', enum: ['s', 'm'], description: 'How big. Really.', default: 'm' },
      count: { type: 'integer', minimum: 1, maximum: 9, format: 'int32' },
      share: { type: 'number', minimum: 0, maximum: 1 },
      kind: { type: 'string', enum: ['book'] },
      tags: { type: 'array', items: { type: 'string', description: 'A tag' } }
    }
  })
  assert.deepEqual(notes, [])
})

test('references and allOf are put together, and the nearer word counts', () => {
  const root = {
    $defs: {
      base: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
      'a/b': { type: 'integer', description: 'far' }
    },
    allOf: [{ $ref: '#/$defs/base' }, { properties: { size: { $ref: '#/$defs/a~1b', description: 'near' }, id: { type: 'integer' } } }],
    required: ['size']
  }
  assert.deepEqual(read(root).node, {
    type: 'object',
    properties: { id: { type: 'integer' }, size: { type: 'integer', description: 'near' } },
    required: ['id', 'size']
  })
})

test('a schema may be used twice side by side, which is no recursion', () => {
  const root = { $defs: { point: { type: 'object', properties: { x: { type: 'number' } } } } }
  const point = { $ref: '#/$defs/point' }
  const { node, notes } = read({ type: 'object', properties: { from: point, to: { allOf: [point, point] } } }, 'input', root)
  assert.deepEqual(Object.keys(node.properties ?? {}), ['from', 'to'])
  assert.deepEqual(notes, [])
})

test('recursion is left out where it may be, with a note, and refused where not', () => {
  const tree = (required: string[]) => ({
    $defs: { node: { type: 'object', required, properties: { name: { type: 'string' }, next: { $ref: '#/$defs/node' } } } }
  })
  const { node, notes } = read({ $ref: '#/$defs/node' }, 'input', tree([]))
  assert.deepEqual(Object.keys(node.properties ?? {}), ['name'])
  assert.deepEqual(notes, ['it.next: #/$defs/node contains itself, and recursion cannot be planned with; it is left out'])
  assert.throws(() => read({ $ref: '#/$defs/node' }, 'input', tree(['next'])), { code: 'unsupported_schema', message: /it\.next/ })
  assert.deepEqual(read({ $ref: '#/$defs/node' }, 'output', tree(['next'])).node.required, [], 'of an output nothing has to be given')
  assert.throws(() => read({ $ref: '#/$defs/x' }, 'input', { $defs: { x: { allOf: [{ $ref: '#/$defs/x' }] } } }), { code: 'unsupported_schema' })
})

test('an input of several forms is offered in the first, an output field of several forms is not offered', () => {
  const schema = {
    type: 'object',
    properties: { who: { oneOf: [{ type: 'integer' }, { type: 'string' }] }, at: { type: ['string', 'integer'] }, id: { type: 'string' } }
  }
  const input = read(schema)
  assert.deepEqual(input.node.properties, { who: { type: 'integer' }, at: { type: 'string' }, id: { type: 'string' } })
  assert.deepEqual(input.notes, [
    'it.who may have one of 2 forms; the first is offered',
    'it.at may have one of several types (string, integer); string is offered'
  ])
  const output = read(schema, 'output')
  assert.deepEqual(output.node.properties, { id: { type: 'string' } })
  assert.equal(output.notes.length, 2)
})

test('alternatives that differ in nothing but null or their values are one', () => {
  const one = { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'string', enum: ['b'] }, { type: 'null' }] }
  const other = { anyOf: [{ type: 'integer', description: 'n' }, { type: 'null' }] }
  assert.deepEqual(read({ type: 'object', properties: { one, other } }, 'output'), {
    node: { type: 'object', properties: { one: { type: 'string', enum: ['a', 'b'] }, other: { type: 'integer', description: 'n' } }, required: [] },
    notes: []
  })
})

test('what only the other side may set is not asked for', () => {
  const schema = {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string', readOnly: true }, password: { type: 'string', writeOnly: true } }
  }
  assert.deepEqual(Object.keys(read(schema).node.properties ?? {}), ['password'])
  assert.deepEqual(Object.keys(read(schema, 'output').node.properties ?? {}), ['id'])
})

test('hostile schemas are refused in little time', () => {
  const doubling = Object.fromEntries(
    Array.from({ length: 30 }, (_, level) => [
      `l${level}`,
      { type: 'object', properties: { a: { $ref: `#/$defs/l${level + 1}` }, b: { $ref: `#/$defs/l${level + 1}` } } }
    ])
  )
  assert.throws(() => read({ $ref: '#/$defs/l0' }, 'input', { $defs: doubling }), { code: 'unsupported_schema', message: /more than 2000 pieces/ })
  let deep: unknown = { type: 'string' }
  for (let level = 0; level < 40; level++) deep = { type: 'object', properties: { in: deep }, required: ['in'] }
  assert.throws(() => read(deep), { code: 'unsupported_schema', message: /nested more than 24 levels/ })
  for (const schema of [
    null,
    'x',
    [],
    { type: 'file' },
    {},
    { $ref: 'https://example.org/a.json' },
    { $ref: '#/nowhere' },
    { $ref: '#/__proto__' }
  ]) {
    assert.throws(() => read(schema), { code: 'unsupported_schema' }, JSON.stringify(schema))
  }
})

test('a reference leads to nothing that is not in the document', () => {
  for (const $ref of ['#/constructor', '#/__proto__', '#/required/length']) {
    assert.throws(() => read({ $ref, required: [] }), { message: `it: ${$ref} refers to nothing` })
  }
})

test('a property called __proto__ is left out, and nothing else changes by it', () => {
  const { node, notes } = read(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}'))
  assert.deepEqual(Object.keys(node.properties ?? {}), ['constructor'])
  assert.equal(notes.length, 1)
})
