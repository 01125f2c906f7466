import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { formatChecks } from '../../../server/engines/llama/grammar/formats.ts'
import { anyJsonObject, compileJsonSchema, schemaRules } from '../../../server/engines/llama/json-schema-grammar.ts'
import { AppError } from '../../../server/errors.ts'
import { openGrammarMatcher } from '../../helpers/grammar.ts'
import { createSampler } from '../../helpers/grammar-samples.ts'
import { createRandom } from '../../helpers/random.ts'
import { schemas } from './schemas.ts'

let llama: Awaited<ReturnType<typeof openGrammarMatcher>>
before(async () => {
  llama = await openGrammarMatcher()
})
after(() => llama.close())

type Case = [title: string, schema: Record<string, unknown>, accepted: unknown[], rejected: unknown[]]

/** A value, or a text as it stands. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
const raw = (text: string) => new Raw(text)
const textOf = (value: unknown) => (value instanceof Raw ? value.text : JSON.stringify(value))

const node = {
  type: 'object',
  properties: { v: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
  required: ['v', 'next']
}
const cases: Case[] = [
  ['any JSON', {}, [1, 'a', null, { a: [1, { b: 2 }] }, raw('{"a": 1, "b": [1, 2]}')], [raw('{a:1}'), raw('[1,]'), raw(''), raw('1 2')]],
  ['white space is scarce', { type: 'object' }, [raw('{"a": 1, "b": 2}')], [raw('{ }'), raw('{"a":  1}'), raw('\n{}')]],
  [
    'properties in declared order, any subset of the optional ones',
    { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'string' }, c: { type: 'null' } }, required: ['b'] },
    [{ b: 'x' }, { a: 1, b: 'x' }, { b: '', c: null }, { a: 1, b: '"\\\n😀', c: null }],
    [{}, { a: 1 }, { b: 1 }, { b: 'x', d: 1 }, { b: 'x', a: 1 }, { a: 1, c: null }]
  ],
  [
    'only optional properties',
    { type: 'object', properties: { a: {}, b: {} } },
    [{}, { a: 1 }, { b: 1 }, { a: 1, b: 2 }],
    [{ c: 1 }, raw('{,"b":1}')]
  ],
  [
    'additionalProperties with a schema, never under a declared name',
    { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: { type: 'string' } },
    [{}, { a: 1 }, { a: 1, b: 'x', ab: 'y', '': 'z' }, { x: 'y' }],
    [{ a: 'x' }, { b: 1 }, { a: 1, a2: 3 }]
  ],
  [
    'a required property that is not declared',
    { type: 'object', required: ['x'], additionalProperties: { type: 'null' } },
    [{ x: null }, { x: null, y: null }],
    [{}, { x: 1 }]
  ],
  [
    'minProperties and maxProperties of a map',
    { type: 'object', minProperties: 1, maxProperties: 2 },
    [{ a: 1 }, { a: 1, b: 2 }],
    [{}, { a: 1, b: 2, c: 3 }]
  ],
  [
    'patternProperties',
    { type: 'object', patternProperties: { '^x-': { type: 'integer' } }, additionalProperties: false },
    [{}, { 'x-a': 1 }],
    [{ a: 1 }, { 'x-a': 'b' }]
  ],
  [
    'propertyNames',
    { type: 'object', propertyNames: { enum: ['a', 'b'] }, additionalProperties: { type: 'integer' } },
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ c: 1 }]
  ],
  ['an optional property that nothing satisfies', { type: 'object', properties: { a: false, b: {} } }, [{}, { b: 1 }], [{ a: 1 }]],
  [
    'string lengths in characters',
    { type: 'string', minLength: 2, maxLength: 4 },
    ['ab', '😀😀', raw('"\\u0041\\ud83d\\ude00"'), '\n\t\\"'],
    ['a', 'abcde', raw('"\\ud83da"')]
  ],
  ['lengths over the limit of llama.cpp', { type: 'string', maxLength: 3000 }, ['', 'a'.repeat(3000)], ['a'.repeat(3001)]],
  [
    'a range of lengths',
    { type: 'string', minLength: 100, maxLength: 1000 },
    ['a'.repeat(100), 'a'.repeat(555), 'a'.repeat(1000)],
    ['a'.repeat(99), 'a'.repeat(1001)]
  ],
  [
    'many items',
    { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 5000 },
    [[1, 2], Array(4321).fill(1), Array(5000).fill(1)],
    [[1], Array(5001).fill(1)]
  ],
  [
    'a tuple that may end early',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] },
    [[], ['a'], ['a', 1]],
    [[1], ['a', 1, 2]]
  ],
  [
    'a tuple with a rest',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: { type: 'null' }, minItems: 3 },
    [['a', 1, null]],
    [
      ['a', 1],
      ['a', 1, 2]
    ]
  ],
  ['an array as items, as older drafts have it', { type: 'array', items: [{ type: 'string' }] }, [['a'], []], [[1]]],
  ['maxItems: 0', { type: 'array', maxItems: 0 }, [[]], [[1]]],
  ['pattern', { type: 'string', pattern: '^[A-Z]{2}-\\d{3,5}$' }, ['AB-123', 'AB-12345'], ['AB-12', 'A-123', 'xAB-123']],
  ['pattern and maxLength', { type: 'string', pattern: '^(a+)+$', maxLength: 5 }, ['a', 'aaaaa'], ['', 'aaaaaa', 'b']],
  ['special characters in a pattern', { type: 'string', pattern: '^["\\\\/\\n\\u0001]{2}$' }, ['""', '\\\\', '\n/', '\u0001"'], ['a"']],
  ['pattern and format', { type: 'string', pattern: '^2', format: 'date' }, ['2024-02-28'], ['1999-01-01', '2x']],
  ['enum', { enum: ['red', 'redder', 'a"b', 1, null, { a: [1] }] }, ['red', 'redder', 'a"b', 1, null, { a: [1] }], ['re', 2, 'blue', {}]],
  ['enum within a type', { type: ['string', 'integer'], enum: ['a', 1, 1.5, null] }, ['a', 1], [1.5, null]],
  ['enum and const together', { enum: [1, 2], const: 2 }, [2], [1]],
  ['anyOf', { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 3 }] }, ['a', 3], [2, null]],
  ['anyOf beside properties', { type: 'object', properties: { a: { type: 'integer' } }, anyOf: [{ required: ['a'] }, { properties: { b: { type: 'null' } }, required: ['b'] }] }, [{ a: 1 }, { a: 1, b: null }, { b: null }], [{}, { b: 1 }]], // biome-ignore format: a table
  ['an alternative that nothing satisfies', { type: 'string', anyOf: [{ type: 'integer' }, { maxLength: 1 }] }, ['a'], [1, 'ab']],
  [
    'allOf',
    {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
        { properties: { a: { minimum: 3 }, b: { type: 'string' } }, required: ['b'] }
      ]
    },
    [
      { a: 3, b: 'x' },
      { b: 'x', a: 3 }
    ].slice(0, 1),
    [{ a: 2, b: 'x' }, { a: 3 }]
  ],
  [
    'a recursive $ref',
    { $defs: { node }, $ref: '#/$defs/node' },
    [
      { v: 1, next: null },
      { v: 1, next: { v: 2, next: null } }
    ],
    [{ v: 1 }, { v: 1, next: 2 }]
  ],
  [
    '$ref to the root',
    { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } }, required: ['children'] },
    [{ children: [{ children: [] }] }],
    [{}, { children: [1] }]
  ],
  ['$ref to an odd place, escaped', { 'x/y': { 'z~': { type: 'null' } }, items: { $ref: '#/x~1y/z~0' }, type: 'array' }, [[null]], [[1]]],
  ['several types', { type: ['string', 'null'] }, ['a', null], [1]],
  ['nullable, as OpenAPI 3.0 has it', { type: 'string', nullable: true }, ['a', null], [1]],
  ['keywords without a type speak for it', { properties: { a: { minimum: 5 } }, required: ['a'] }, [{ a: 5 }], [{ a: 4 }, 1]],
  [
    'a property that looks like GBNF',
    { type: 'object', properties: { 'a"\\]\n::= é😀': { type: 'null' } }, required: ['a"\\]\n::= é😀'] },
    [{ 'a"\\]\n::= é😀': null }],
    [{}]
  ],
  ['unknown keywords and formats', { type: 'string', title: 'T', 'x-order': 1, format: 'int-something', examples: ['a'] }, ['a'], [1]]
]

describe('the grammar accepts and rejects', () => {
  for (const [title, schema, accepted, rejected] of cases) {
    test(title, () => {
      const compiled = compileJsonSchema(schema)
      const matches = llama.matcher(compiled.gbnf)
      for (const text of accepted.map(textOf)) {
        assert.ok(matches(text), `should accept ${text}`)
        assert.deepEqual(compiled.check(text), [], text)
      }
      for (const text of rejected.map(textOf)) assert.ok(!matches(text), `should reject ${text}`)
    })
  }
})

describe('whatever the grammar lets through is valid', () => {
  const random = createRandom(11)
  for (const { title, schema, sure } of schemas) {
    test(title, () => {
      const { gbnf, check } = compileJsonSchema(schema)
      const validate = new Ajv2020({ strict: false, formats: formatChecks(), multipleOfPrecision: 9 }).compile(schema)
      const matches = llama.matcher(gbnf)
      const sample = createSampler(gbnf, random)
      let valid = 0
      for (let round = 0; round < 150; round++) {
        const text = sample()
        if (round < 20) assert.ok(matches(text), `llama.cpp disagrees on ${text}`)
        const isValid = validate(JSON.parse(text))
        if (sure) assert.ok(isValid, `${text}: ${JSON.stringify(validate.errors)}`)
        assert.equal(check(text).length === 0, isValid, text)
        if (isValid) valid++
      }
      assert.ok(valid > 0)
    })
  }
})

describe('what the grammar does not hold, the check finds', () => {
  const found: [Record<string, unknown>, string, RegExp][] = [
    [{ type: 'array', uniqueItems: true }, '[1,1]', /duplicate/],
    [{ oneOf: [{ type: 'integer' }, { minimum: 5 }] }, '6', /oneOf/],
    [{ type: 'object', not: { required: ['a'] } }, '{"a":1}', /NOT/],
    // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema
    [{ type: 'object', if: { required: ['a'] }, then: { required: ['b'] } }, '{"a":1}', /b/],
    [{ type: 'array', contains: { const: 1 } }, '[2]', /contain/],
    [{ type: 'integer', multipleOf: 1000 }, '1001', /multiple/],
    [{ type: 'object', properties: { a: {}, b: {} }, maxProperties: 1 }, '{"a":1,"b":1}', /fewer|more/],
    [{ type: 'string', maxLength: 100_000 }, JSON.stringify('a'.repeat(100_001)), /100000/],
    [{ type: 'object', dependentSchemas: { a: { required: ['b'] } } }, '{"a":1}', /b/],
    [{ type: 'object' }, '{"a":', /complete JSON/]
  ]
  for (const [schema, text, violation] of found) {
    test(Object.keys(schema).join(', '), () => {
      const violations = compileJsonSchema(schema).check(text)
      assert.match(violations.join('; '), violation)
    })
  }
})

describe('what cannot be held is refused with its keyword and its place', () => {
  const refused: [Record<string, unknown>, string, string][] = [
    [{ type: 'object', properties: { a: { type: 'string', pattern: '(a)\\1' } } }, '"pattern"', '#/properties/a/pattern'],
    [{ type: 'string', format: 'iri' }, '"format"', '#/format'],
    [{ $ref: 'https://example.org/schema' }, '"$ref"', '#/$ref'],
    [{ items: { $ref: '#/$defs/none' } }, '"$ref"', '#/$defs/none'],
    [{ $dynamicRef: '#node' }, '"$dynamicRef"', '#/$dynamicRef'],
    [{ type: 'strin' }, '"type"', '#/type'],
    [{ type: 'string', minLength: -1 }, '"minLength"', '#/minLength'],
    [{ minimum: '5' }, '"minimum"', '#/minimum'],
    [{ minimum: 1, exclusiveMinimum: true }, '"exclusiveMinimum"', '#/exclusiveMinimum'],
    [{ properties: { 'a/b': { enum: [] } } }, '"enum"', '#/properties/a~1b/enum'],
    [{ properties: [] }, '"properties"', '#/properties'],
    [{ items: 5 }, '"items"', '#/items'],
    [{ dependencies: {} }, '"dependencies"', '#/dependencies'],
    [{ type: 'array', contains: {}, minContains: 'x' }, '"minContains"', '#/minContains'],
    [{ $ref: '#/$defs/a', $defs: { a: { type: 'array', uniqueItems: 'yes' } } }, '"uniqueItems"', '#/$defs/a/uniqueItems'],
    [{ properties: JSON.parse('{"__proto__": {}}') }, '"properties"', '__proto__'],
    [{ type: 'object', properties: { child: { $ref: '#' } }, required: ['child'] }, '"$ref"', 'without an end'],
    [{ anyOf: [{ $ref: '#' }, { type: 'string' }] }, '"$ref"', 'leads to itself'],
    [{ type: 'object', properties: { a: false }, required: ['a'] }, 'no value', '#'],
    [{ type: 'string', minLength: 3, maxLength: 2 }, 'no value', '#'],
    [{ type: 'string', enum: [1] }, 'no value', '#'],
    [{ allOf: [{ type: 'string' }, { type: 'integer' }] }, 'no value', '#']
  ]
  for (const [schema, keyword, place] of refused) {
    test(JSON.stringify(schema).slice(0, 80), () => {
      assert.throws(
        () => compileJsonSchema(schema),
        (error) =>
          error instanceof AppError && error.code === 'unsupported_schema' && error.message.includes(keyword) && error.message.includes(place)
      )
    })
  }
})

describe('a hostile schema', () => {
  const nested = (depth: number): Record<string, unknown> => (depth === 0 ? {} : { items: nested(depth - 1) })
  const names = (count: number, schema: unknown) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, schema]))
  /** A chain of choices in which each one doubles the ways to the end. */
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `d${index}`,
      { anyOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}`, title: 'again' }] }
    ])
  )
  const ring = (size: number) =>
    Object.fromEntries(
      Array.from({ length: size }, (_, index) => [`d${index}`, { type: 'object', properties: { a: { $ref: `#/$defs/d${(index + 1) % size}` } } }])
    )
  const refused: [string, Record<string, unknown>][] = [
    ['nested too deeply', nested(100)],
    ['with too many schemas', { properties: names(20_000, {}) }],
    ['with too many values', { enum: Array.from({ length: 50_000 }, (_, index) => index) }],
    ['with doubling choices', { $defs: { ...doubling, d40: { type: 'string' } }, $ref: '#/$defs/d0' }],
    [
      'with a product of choices',
      { allOf: Array.from({ length: 12 }, (_, index) => ({ anyOf: [{ minimum: index }, { maximum: 100 + index }, { maxLength: index }] })) }
    ],
    [
      'with a long chain of definitions',
      {
        $defs: Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`d${index}`, { items: { $ref: `#/$defs/d${index + 1}` } }])),
        $ref: '#/$defs/d0'
      }
    ],
    [
      'with patterns too large together',
      { properties: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, { pattern: `^.{1,${1000 + index}}$` }])) }
    ],
    ['with an endless minimum', { type: 'string', minLength: 1e9 }],
    ['with values nested too deeply', { const: JSON.parse('['.repeat(500) + ']'.repeat(500)) }]
  ]
  for (const [title, schema] of refused) {
    test(`${title} is refused`, () => {
      assert.throws(
        () => compileJsonSchema(schema),
        (error) => error instanceof AppError && error.code === 'unsupported_schema'
      )
    })
  }

  const taken: [string, Record<string, unknown>, unknown, unknown][] = [
    ['100 definitions in a ring', { $defs: ring(100), $ref: '#/$defs/d0' }, { a: { a: { a: {} } } }, { b: 1 }],
    ['500 optional properties', { type: 'object', properties: names(500, { type: 'integer' }) }, { p0: 1, p250: 2, p499: 3 }, { p500: 1 }],
    ['huge bounds', { type: 'array', items: { type: 'string', maxLength: 1e12 }, maxItems: 1e9 }, ['a'], [1]],
    [
      'nested repetitions',
      { type: 'array', maxItems: 1000, items: { type: 'array', maxItems: 1000, items: { type: 'string', maxLength: 1000 } } },
      [['a']],
      [[1]]
    ],
    ['10,000 values', { enum: Array.from({ length: 10_000 }, (_, index) => `value ${index}`) }, 'value 9999', 'value 10000'],
    [
      'a property named like a method',
      { type: 'object', properties: { constructor: { type: 'integer' }, toString: { type: 'null' } } },
      { constructor: 1 },
      { constructor: 'a' }
    ]
  ]
  for (const [title, schema, accepted, rejected] of taken) {
    test(`with ${title} compiles`, () => {
      const { gbnf, check } = compileJsonSchema(schema)
      const matches = llama.matcher(gbnf)
      assert.ok(matches(JSON.stringify(accepted)))
      assert.deepEqual(check(JSON.stringify(accepted)), [])
      assert.ok(!matches(JSON.stringify(rejected)))
    })
  }
})

test('a name is held against a pattern in linear time, whatever the pattern', () => {
  const name = `${'a'.repeat(60)}!`
  const { check } = compileJsonSchema({
    type: 'object',
    properties: { [name]: { type: 'integer' } },
    patternProperties: { '^(a+)+$': { type: 'string' }, '^(a|aa)+!$': { minimum: 5 } }
  })
  assert.deepEqual(check(JSON.stringify({ [name]: 7 })), [])
  assert.equal(check(JSON.stringify({ [name]: 3 })).length, 1)
})

test('a schema of thousands of properties can be held', () => {
  const properties = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`property_${index}`, { type: 'integer' }]))
  const { check } = compileJsonSchema({ type: 'object', properties })
  assert.deepEqual(check('{"property_0":1,"property_1999":2}'), [])
  assert.equal(check('{"property_1999":"2"}').length, 1)
})

test('any JSON object is an object', () => {
  const matches = llama.matcher(anyJsonObject().gbnf)
  assert.ok(matches('{"a": [1]}') && !matches('[]') && !matches('1'))
})

test('the rules of several schemas live in one grammar', () => {
  const gbnf = `root ::= "[" one "," two "]"\n${schemaRules({ enum: ['a'] }, 'one')}\n${schemaRules({ type: 'integer', maximum: 5 }, 'two')}\n`
  const matches = llama.matcher(gbnf)
  assert.ok(matches('["a",5]') && !matches('["a",6]') && !matches('[5,"a"]'))
})
