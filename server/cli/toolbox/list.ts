import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { needServer } from '../client.ts'
import { projectOption, projectQuery } from '../plan/project-option.ts'
import { say, sayJson } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { listToolboxes } from './words.ts'

export async function run(args: string[]): Promise<number> {
  const options = { ...projectOption, json: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  if (positionals.length > 0) throw new UsageError(`toolbox list takes no argument, got ${positionals.join(' ')}`)
  const client = await needServer(loadConfig())
  const { toolboxes } = await client.call('toolboxes', { query: await projectQuery(client, values.project) })
  if (values.json) sayJson({ toolboxes })
  else say(toolboxes.length === 0 ? 'There is no toolbox: outpost toolbox add --help tells how to make one.' : listToolboxes(toolboxes))
  return 0
}
