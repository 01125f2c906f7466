import type { SchemaNode, Service } from '#contracts/plan.ts'

const node = (type: string | SchemaNode): SchemaNode => (typeof type === 'string' ? { type: type as SchemaNode['type'] } : type)

/** A service for tests: fields by name, with a type or a schema each. A name that ends with `?` need not be given. */
export function testService(
  name: string,
  takes: Record<string, string | SchemaNode>,
  gives: Record<string, string | SchemaNode>,
  more: Partial<Service> = {}
): Service {
  const inputs = Object.entries(takes)
  return {
    id: `s_${name
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '')
      .padEnd(28, 'x')
      .slice(0, 28)}`,
    projectId: 'p_test',
    kind: 'service',
    name,
    description: name,
    input: {
      type: 'object',
      properties: Object.fromEntries(inputs.map(([field, type]) => [field.replace('?', ''), node(type)])),
      required: inputs.flatMap(([field]) => (field.endsWith('?') ? [] : [field]))
    },
    output: { type: 'object', properties: Object.fromEntries(Object.entries(gives).map(([field, type]) => [field, node(type)])) },
    revertible: false,
    approval: false,
    version: 1,
    origin: 'connected',
    registeredAt: 0,
    ...more
  }
}
