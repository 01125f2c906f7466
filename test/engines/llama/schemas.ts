/** Schemas as clients send them, the nasty ones among them. `sure`: the grammar alone must hold all of it; otherwise the check has its part. */
export const schemas: { title: string; schema: Record<string, unknown>; sure: boolean }[] = [
  { title: 'anything', sure: true, schema: {} },
  { title: 'any object', sure: true, schema: { type: 'object' } },
  {
    title: 'a flat object, all required',
    sure: true,
    schema: {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' }, admin: { type: 'boolean' } },
      required: ['name', 'age', 'admin'],
      additionalProperties: false
    }
  },
  {
    title: 'optional properties',
    sure: true,
    schema: {
      type: 'object',
      properties: { a: { type: 'null' }, b: { type: 'integer' }, c: { type: 'boolean' }, d: { type: 'number' } },
      required: ['c']
    }
  },
  {
    title: 'further properties with a schema',
    sure: true,
    schema: {
      type: 'object',
      properties: { id: { type: 'integer' }, idx: { type: 'null' } },
      required: ['id'],
      additionalProperties: { type: 'boolean' }
    }
  },
  { title: 'a map with named keys', sure: true, schema: { type: 'object', propertyNames: { pattern: '^[a-z]{1,4}$' }, additionalProperties: { type: 'integer' }, minProperties: 1 } }, // biome-ignore format: a table
  { title: 'keys by pattern', sure: true, schema: { type: 'object', patternProperties: { '^n_': { type: 'number' }, '^s_': { maxLength: 3, type: 'string' } }, additionalProperties: false } }, // biome-ignore format: a table
  {
    title: 'nested arrays with bounds',
    sure: true,
    schema: {
      type: 'array',
      items: { type: 'array', items: { type: 'integer', minimum: -9, maximum: 9 }, minItems: 1, maxItems: 3 },
      minItems: 2,
      maxItems: 4
    }
  },
  {
    title: 'a tuple',
    sure: true,
    schema: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }, { enum: ['N', 'S'] }], items: false, minItems: 2 }
  },
  { title: 'an enumeration of strings', sure: true, schema: { enum: ['red', 'redder', 'green', 'a "quoted" one', 'é\n'] } },
  { title: 'an enumeration of everything', sure: true, schema: { enum: [null, true, 1, -2.5, 'x', [1, { a: [] }], { b: null }] } },
  { title: 'a constant object', sure: true, schema: { type: 'object', properties: { kind: { const: { a: [1, 'b'] } } }, required: ['kind'] } },
  { title: 'several types', sure: true, schema: { type: ['string', 'null', 'integer'], maxLength: 5, minimum: 10 } },
  {
    title: 'a union of objects',
    sure: true,
    schema: {
      anyOf: [
        { type: 'object', properties: { kind: { const: 'circle' }, radius: { type: 'number', exclusiveMinimum: 0 } }, required: ['kind', 'radius'] },
        {
          type: 'object',
          properties: { kind: { const: 'square' }, side: { type: 'number', exclusiveMinimum: 0, maximum: 10 } },
          required: ['kind', 'side']
        }
      ]
    }
  },
  {
    title: 'exactly one of overlapping alternatives',
    sure: false,
    schema: {
      oneOf: [
        { type: 'integer', multipleOf: 2 },
        { type: 'integer', multipleOf: 3 }
      ]
    }
  },
  {
    title: 'a linked list',
    sure: true,
    schema: {
      $defs: {
        node: {
          type: 'object',
          properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['value', 'next']
        }
      },
      $ref: '#/$defs/node'
    }
  },
  {
    title: 'a tree that refers to the root',
    sure: true,
    schema: {
      type: 'object',
      properties: { name: { type: 'string', maxLength: 8 }, children: { type: 'array', items: { $ref: '#' }, maxItems: 2 } },
      required: ['name', 'children'],
      additionalProperties: false
    }
  },
  {
    title: 'all of two objects',
    sure: true,
    schema: {
      allOf: [{ $ref: '#/definitions/base' }, { properties: { extra: { type: 'string', minLength: 1 }, id: { maximum: 99 } }, required: ['extra'] }],
      definitions: { base: { type: 'object', properties: { id: { type: 'integer', minimum: 1 } }, required: ['id'] } }
    }
  },
  {
    title: 'all of a choice and a bound',
    sure: true,
    schema: { allOf: [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }, { minimum: 100, minLength: 3 }, { maximum: 105, maxLength: 4 }] }
  },
  { title: 'string lengths', sure: true, schema: { type: 'array', items: { type: 'string', minLength: 3, maxLength: 6 }, minItems: 2, maxItems: 2 } },
  { title: 'a long string', sure: true, schema: { type: 'string', minLength: 20, maxLength: 700 } },
  { title: 'a pattern with a length', sure: true, schema: { type: 'string', pattern: '^[A-Z][a-z]*( [A-Z][a-z]*)*$', minLength: 5, maxLength: 12 } },
  { title: 'an unanchored pattern', sure: true, schema: { type: 'string', pattern: '["\\\\][0-9]', maxLength: 12 } },
  {
    title: 'the patterns of zod',
    sure: true,
    schema: {
      type: 'object',
      properties: {
        email: {
          type: 'string',
          format: 'email',
          pattern: "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$"
        },
        id: {
          type: 'string',
          format: 'uuid',
          pattern: '^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})$'
        }
      },
      required: ['email', 'id'],
      additionalProperties: false
    }
  },
  {
    title: 'formats',
    sure: true,
    schema: {
      type: 'object',
      properties: Object.fromEntries(
        ['date', 'time', 'date-time', 'duration', 'uuid', 'ipv4', 'ipv6', 'hostname', 'email', 'json-pointer'].map((format) => [
          format,
          { type: 'string', format }
        ])
      ),
      required: ['date', 'time', 'date-time', 'duration', 'uuid', 'ipv4', 'ipv6']
    }
  },
  { title: 'an address of a page', sure: false, schema: { type: 'string', format: 'uri' } },
  {
    title: 'number bounds',
    sure: true,
    schema: {
      type: 'object',
      properties: {
        probability: { type: 'number', minimum: 0, maximum: 1 },
        celsius: { type: 'number', exclusiveMinimum: -273.15 },
        month: { type: 'integer', minimum: 1, maximum: 12 },
        price: { type: 'number', minimum: 0, maximum: 1000, multipleOf: 0.01 },
        even: { type: 'integer', multipleOf: 2 }
      },
      required: ['probability', 'celsius', 'month', 'price', 'even']
    }
  },
  {
    title: 'items that differ',
    sure: false,
    schema: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 99 }, minItems: 2, maxItems: 4, uniqueItems: true }
  },
  { title: 'what only the check knows', sure: false, schema: { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } }, dependentRequired: { a: ['b'] }, not: { required: ['b'], maxProperties: 1 } } } // biome-ignore format: a table
]
