import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { projectOption, projectQuery } from '../plan/project-option.ts'
import { say, sayJson } from '../terminal.ts'
import { findToolbox } from './find-toolbox.ts'
import { describeToolbox } from './words.ts'

export async function run(args: string[]): Promise<number> {
  const options = { ...projectOption, json: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const wanted = oneArgument(positionals, 'TOOLBOX')
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const { id } = await findToolbox(client, query, wanted)
  const { toolbox } = await client.call('refreshToolbox', { params: { id }, query })
  if (values.json) sayJson({ toolbox })
  else say(describeToolbox(toolbox))
  return 0
}
