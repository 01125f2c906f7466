import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { Json } from '#contracts/plan.ts'
import { loadConfig } from '../config.ts'
import { oneArgument } from './arguments.ts'
import { needServer } from './client.ts'
import { projectOption, projectQuery } from './plan/project-option.ts'
import { harmless, say, sayJson, table } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, file: { type: 'string', short: 'f' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const [verb = '', ...rest] = positionals
  switch (verb) {
    case 'apply': {
      if (rest.length > 0) throw new UsageError(`grounding apply takes its file by -f, got ${rest.join(' ')}`)
      if (values.file === undefined) throw new UsageError('grounding apply wants -f FILE (YAML or JSON, - for stdin)')
      const body = await readSpec(values.file)
      const client = await needServer(loadConfig())
      const { grounding } = await client.call('applyGrounding', { query: await projectQuery(client, values.project), body })
      if (values.json) sayJson({ grounding })
      else
        say(
          `${grounding.name} ${harmless(grounding.version)} is applied: ${grounding.useCases.length} use cases, ${grounding.constraints.length} constraints.`
        )
      return 0
    }
    case 'list': {
      if (rest.length > 0) throw new UsageError(`grounding list takes no argument, got ${rest.join(' ')}`)
      const client = await needServer(loadConfig())
      const { groundings } = await client.call('groundings', { query: await projectQuery(client, values.project) })
      if (values.json) sayJson({ groundings })
      else if (groundings.length === 0) say('There is no grounding: outpost grounding apply -f FILE adds one.')
      else {
        const rows = groundings.map(({ name, version, domain, useCases, constraints }) => [
          name,
          harmless(version),
          domain,
          String(useCases.length),
          String(constraints.length)
        ])
        say(table(['NAME', 'VERSION', 'DOMAIN', 'USE CASES', 'CONSTRAINTS'], rows))
      }
      return 0
    }
    case 'rm': {
      const id = oneArgument(rest, 'NAME')
      const client = await needServer(loadConfig())
      const reply = await client.call('removeGrounding', { params: { id }, query: await projectQuery(client, values.project) })
      if (values.json) sayJson(reply)
      else say(`${harmless(id)} is removed.`)
      return 0
    }
    default:
      throw new UsageError(verb === '' ? 'grounding wants apply, list or rm' : `grounding has no ${JSON.stringify(verb)}: apply, list or rm`)
  }
}

/** YAML, of which JSON is a part. In YAML files the use cases are called `use-cases`. */
async function readSpec(file: string): Promise<Record<string, Json>> {
  const source = file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8')
  let value: unknown
  try {
    value = parseYaml(source)
  } catch (error) {
    throw new UsageError(`${file} is neither YAML nor JSON: ${(error as Error).message.split('\n')[0]}`)
  }
  const parsed = z.record(z.string(), Json).safeParse(value)
  if (!parsed.success) throw new UsageError(`${file} must hold one grounding: name, domain, version, use-cases, constraints`)
  const { 'use-cases': useCases, ...spec } = parsed.data
  return useCases === undefined ? spec : { ...spec, useCases }
}
