import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceRegistration } from '../../../server/plans/plan-engine.ts'
import { readRegistration, readSchema, readServiceSchema } from '../../../server/plans/services/service-schema.ts'

const object = (properties: Record<string, unknown>, more: object = {}) => ({ type: 'object', properties, ...more })
const read = (schema: unknown) => readSchema(schema, 'schema.input').node
const refusal = (schema: unknown): { param: string | undefined; message: string } => {
  try {
    read(schema)
  } catch (error) {
    const { param, message, code } = error as { param?: string; message: string; code: string }
    assert.equal(code, 'invalid_request')
    return { param, message }
  }
  assert.fail('it was taken')
}
const registration = (changes: Partial<ServiceRegistration>): ServiceRegistration => ({
  name: 'echo',
  description: 'says it again',
  schema: { input: object({ message: { type: 'string' } }), output: object({ echo: { type: 'string' } }) },
  revertible: false,
  ...changes
})

test('what tells the planner about a value is kept', () => {
  const schema = object(
    {
      size: { type: 'string', description: 'of the shirt', enum: ['S', 'M'], default: 'M' },
      weight: { type: 'number', minimum: 0.5, maximum: 2.25 },
      since: { type: 'string', format: 'date' },
      tags: { type: 'array', items: { type: 'integer' } }
    },
    { required: ['size', 'weight'], description: 'an order' }
  )
  assert.deepEqual(read(schema), schema)
})

test('words that are not used are passed over, and named where they said something about the values', () => {
  const { node, warnings } = readSchema(
    object({ name: { type: 'string', title: 'Name', minLength: 2 } }, { title: 'Person', additionalProperties: false, required: ['name', 'age'] }),
    'schema.input'
  )
  assert.deepEqual(node, object({ name: { type: 'string' } }, { required: ['name'] }))
  assert.deepEqual(warnings, ['schema.input.properties.name: "minLength" is not used', 'schema.input.required: there is no property "age"'])
})

test('a schema full of words that are not used does not make as many warnings', () => {
  const required = Array.from({ length: 5000 }, (_, index) => `missing${index}`)
  const { warnings } = readSchema(object({ name: { type: 'string' } }, { required }), 'schema.input')
  assert.equal(warnings.length, 101)
  assert.equal(warnings.at(-1), 'and more of the kind')
})

test('a model of Pydantic with nested models, choices and optional values is understood', () => {
  const schema = {
    $defs: {
      Address: object(
        { city: { title: 'City', type: 'string' }, zip: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null } },
        { title: 'Address' }
      ),
      Size: { enum: ['s', 'm'], title: 'Size', type: 'string' }
    },
    type: 'object',
    title: 'Order',
    properties: {
      address: { $ref: '#/$defs/Address', description: 'where to' },
      size: { allOf: [{ $ref: '#/$defs/Size' }], default: 's' },
      amount: { anyOf: [{ type: 'integer' }, { type: 'number' }], title: 'Amount' },
      mode: { const: 'fast', title: 'Mode', type: 'string' },
      note: { type: ['string', 'null'], enum: ['a', null] }
    },
    required: ['address']
  }
  assert.deepEqual(
    read(schema),
    object(
      {
        address: object({ city: { type: 'string' }, zip: { type: 'string' } }, { description: 'where to' }),
        size: { type: 'string', enum: ['s', 'm'], default: 's' },
        amount: { type: 'number' },
        mode: { type: 'string', enum: ['fast'] },
        note: { type: 'string', enum: ['a'] }
      },
      { required: ['address'] }
    )
  )
})

test('words in the case that Go clients write them, and null for what is absent, are understood', () => {
  const schema = {
    Input: { Type: 'object', Properties: { Name: { type: 'string', enum: null, minimum: null } }, required: null },
    Output: object({ x: { type: 'string' } })
  }
  assert.deepEqual(readServiceSchema(schema).input, object({ Name: { type: 'string' } }))
})

test('a schema that has no end is refused where it turns back', () => {
  const tree = { $ref: '#/$defs/Node', $defs: { Node: object({ children: { type: 'array', items: { $ref: '#/$defs/Node' } } }) } }
  const { param, message } = refusal(tree)
  assert.equal(param, 'schema.input.properties.children.items.$ref')
  assert.match(message, /leads back to itself/)
  assert.match(refusal(object({ self: { $ref: '#' } })).message, /leads back to itself|no end/)
  assert.match(refusal({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }).message, /leads back to itself/)
})

test('references that lead nowhere or elsewhere are refused', () => {
  assert.match(refusal(object({ a: { $ref: '#/$defs/missing' } })).message, /leads to nothing/)
  assert.match(refusal(object({ a: { $ref: '#/$defs/%E0' } })).message, /leads to nothing/)
  assert.match(refusal(object({ a: { $ref: '#/constructor' } })).message, /leads to nothing/)
  assert.match(refusal(object({ a: { $ref: 'https://example.org/a.json' } })).message, /same schema/)
})

test('a schema that grows without bound when its references are written out is refused', () => {
  const $defs: Record<string, unknown> = { level0: { type: 'string' } }
  for (let level = 1; level < 30; level++) {
    $defs[`level${level}`] = object({ a: { $ref: `#/$defs/level${level - 1}` }, b: { $ref: `#/$defs/level${level - 1}` } })
  }
  assert.match(refusal({ ...object({ a: { $ref: '#/$defs/level29' } }), $defs }).message, /may describe 2000 values/)
})

test('64 levels are taken and 65 are not', () => {
  const nested = (levels: number): object => (levels === 1 ? { type: 'string' } : { type: 'array', items: nested(levels - 1) })
  assert.equal(read(nested(64)).type, 'array')
  assert.match(refusal(nested(65)).message, /more than 64 levels/)
})

test('a value whose form is left open is refused', () => {
  assert.match(refusal({ anyOf: [{ type: 'string' }, { type: 'integer' }] }).message, /leaves open which of 2 forms/)
  assert.match(refusal({ type: ['string', 'integer'] }).message, /must be one of/)
  assert.match(refusal({ type: 'any' }).message, /must be one of .* got "any"/)
  assert.equal(refusal({ description: 'no type' }).param, 'schema.input.type')
  assert.equal(refusal(object({ a: true })).param, 'schema.input.properties.a')
})

test('words with values of the wrong kind are refused with their field', () => {
  const fields: [object, string][] = [
    [{ type: 'number', minimum: '1' }, 'schema.input.minimum'],
    [{ type: 'number', maximum: Number.POSITIVE_INFINITY }, 'schema.input.maximum'],
    [{ type: 'number', minimum: 2, maximum: 1 }, 'schema.input.minimum'],
    [{ type: 'string', description: 5 }, 'schema.input.description'],
    [{ type: 'string', description: 'a\u0000b' }, 'schema.input.description'],
    [{ type: 'string', format: {} }, 'schema.input.format'],
    [{ type: 'string', enum: [] }, 'schema.input.enum'],
    [{ type: 'string', enum: 'a' }, 'schema.input.enum'],
    [{ type: 'integer', enum: [1, 1.5] }, 'schema.input.enum'],
    [object({ a: { type: 'string' } }, { required: [1] }), 'schema.input.required'],
    [{ type: 'object', properties: ['a'] }, 'schema.input.properties'],
    [{ type: 'array' }, 'schema.input.items']
  ]
  for (const [schema, param] of fields) assert.equal(refusal(schema).param, param)
})

test('names of properties that would reach an object’s prototype, cannot be seen or cannot be referred to are refused', () => {
  const names = ['', '.a', ' a', 'a ', 'a\u0000', 'a\u202eb', 'a\u200bb', '\ud800', 'constructor', 'toString', '$task0.x', 'x'.repeat(257)]
  for (const name of names) assert.equal(refusal(object({ [name]: { type: 'string' } })).param, 'schema.input.properties', JSON.stringify(name))
  assert.match(refusal(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}')).message, /every JavaScript object/)
  for (const name of ['a.b', 'first name', 'größe', '名前', 'user-id', '$set']) {
    assert.deepEqual(Object.keys(read(object({ [name]: { type: 'string' } })).properties ?? {}), [name])
  }
})

test('a registration is refused with the field that is wrong and what it was', () => {
  const wrong: [Partial<ServiceRegistration>, string, RegExp][] = [
    [{ name: 'Echo' }, 'name', /got "Echo"/],
    [{ name: 'a'.repeat(64) }, 'name', /3–63/],
    [{ name: undefined as unknown as string }, 'name', /nothing/],
    [{ name: 'echo\n' }, 'name', /3–63/],
    [{ description: ' ' }, 'description', /what the service does/],
    [{ description: 'x'.repeat(32_769) }, 'description', /at most 32768 characters, got 32769/],
    [{ schema: null as unknown as ServiceRegistration['schema'] }, 'schema', /got null/],
    [{ schema: { input: object({ a: { type: 'string' } }), output: { type: 'string' } } }, 'schema.output.type', /must be object/],
    [
      { schema: { input: object({ a: { type: 'string', enum: ['x'.repeat(600_000)] } }), output: object({ a: { type: 'string' } }) } },
      'schema',
      /at most/
    ]
  ]
  for (const [changes, param, message] of wrong) {
    assert.throws(() => readRegistration(registration(changes)), { code: 'invalid_request', param, message }, param)
  }
  assert.equal(readRegistration(registration({ name: 'a.1' })).approval, false)
})
