import { parseArgs } from 'node:util'
import type { SchemaNode } from '#contracts/plan.ts'
import type { ServiceView } from '#contracts/plan-api.ts'
import { loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { oneArgument } from './arguments.ts'
import { type Client, needServer } from './client.ts'
import { projectOption, projectQuery } from './plan/project-option.ts'
import { clip, inDate } from './plan/words.ts'
import { harmless, paint, say, sayJson, table } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const [verb = '', ...rest] = positionals
  switch (verb) {
    case 'list': {
      if (rest.length > 0) throw new UsageError(`service list takes no argument, got ${rest.join(' ')}`)
      const client = await needServer(loadConfig())
      const { services } = await client.call('services', { query: await projectQuery(client, values.project) })
      if (values.json) sayJson({ services })
      else say(services.length === 0 ? 'There is no service yet; docs/plans.md shows how a program becomes one.' : listed(services))
      return 0
    }
    case 'show': {
      const name = oneArgument(rest, 'SERVICE')
      const client = await needServer(loadConfig())
      const service = await find(client, await projectQuery(client, values.project), name)
      if (values.json) sayJson({ service })
      else say(described(service))
      return 0
    }
    case 'rm': {
      const name = oneArgument(rest, 'SERVICE')
      const client = await needServer(loadConfig())
      const query = await projectQuery(client, values.project)
      const service = await find(client, query, name)
      const reply = await client.call('removeService', { params: { id: service.id }, query })
      if (values.json) sayJson(reply)
      else say(`${harmless(service.name)} (${service.id}) is no longer used in new plans.`)
      return 0
    }
    default:
      throw new UsageError(verb === '' ? 'service wants list, show or rm' : `service has no ${JSON.stringify(verb)}: list, show or rm`)
  }
}

/** By id, or by a name that only one service has. */
async function find(client: Client, query: { project?: string }, wanted: string): Promise<ServiceView> {
  const { services } = await client.call('services', { query })
  const found = services.filter(({ id, name }) => id === wanted || name === wanted)
  const [service] = found
  if (service === undefined)
    throw new AppError('not_found', `there is no service ${JSON.stringify(wanted)}: outpost service list shows those there are`)
  if (found.length === 1) return service
  throw new AppError(
    'conflict',
    `${found.length} services are called ${JSON.stringify(wanted)}: give the id, one of ${found.map(({ id }) => id).join(', ')}`
  )
}

/** What carries out the tasks of services that are built in. */
const origins: Record<Exclude<ServiceView['origin'], 'connected'>, string> = { llm: 'model', http: 'HTTP', mcp: 'MCP' }

function listed(services: ServiceView[]): string {
  return table(
    ['', 'NAME', 'ID', 'KIND', 'VERSION', 'INSTANCES', 'APPROVAL', 'DESCRIPTION'],
    services.map(({ healthy, name, id, kind, origin, version, instances, approval, description }) => [
      healthy ? '●' : '○',
      harmless(name),
      id,
      origin === 'connected' ? kind : origins[origin],
      String(version),
      origin === 'connected' ? String(instances) : '-',
      approval ? 'needed' : '-',
      clip(description, 60)
    ]),
    (cell, column) => (column === 0 && cell === '●' ? paint('green', cell) : cell)
  )
}

function described(service: ServiceView): string {
  const { id, name, kind, origin, description, version, revertible, approval, healthy, instances, registeredAt, projectId } = service
  const reach =
    origin === 'connected'
      ? healthy
        ? `connected, ${instances} ${instances === 1 ? 'instance' : 'instances'}`
        : 'not connected'
      : `built in (${origins[origin]}), ${healthy ? 'can be used' : 'cannot be reached now'}`
  const rows: [string, string][] = [
    ['Name', `${name} (${kind})`],
    ['Description', description],
    ['State', reach],
    ['Version', `${version}, registered ${inDate(registeredAt)}`],
    ['Project', projectId],
    ['Revertible', revertible ? 'yes: its results can be taken back' : 'no'],
    ['Approval', approval ? 'every task of it waits for a person' : 'not needed']
  ]
  return [
    paint('bold', id),
    ...rows.map(([title, value]) => `${title.padEnd(12)} ${harmless(value)}`),
    '',
    'Takes',
    ...schemaLines(service.input),
    '',
    'Gives',
    ...schemaLines(service.output)
  ].join('\n')
}

/** A line for each property, deeper ones further to the right. */
function schemaLines(node: SchemaNode, indent = '  '): string[] {
  const properties = Object.entries(node.properties ?? {})
  if (properties.length === 0) return [`${indent}${typeOf(node)}`]
  return properties.flatMap(([name, inner]) => {
    const isOptional = node.required !== undefined && !node.required.includes(name)
    const about = inner.description === undefined ? '' : ` – ${clip(inner.description, 100)}`
    const deeper = inner.items ?? inner
    return [
      `${indent}${harmless(name)}: ${typeOf(inner)}${isOptional ? ', may be left out' : ''}${about}`,
      ...(deeper.properties === undefined ? [] : schemaLines(deeper, `${indent}  `))
    ]
  })
}

function typeOf({ type, items, enum: allowed, format }: SchemaNode): string {
  if (allowed !== undefined) return harmless(allowed.map((value) => JSON.stringify(value)).join(' | '))
  if (type === 'array') return items === undefined ? 'array' : `array of ${typeOf(items)}`
  return format === undefined ? type : `${type} (${harmless(format)})`
}
