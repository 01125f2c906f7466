import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { projectOption, projectQuery } from '../plan/project-option.ts'
import { say, sayJson } from '../terminal.ts'
import { findToolbox } from './find-toolbox.ts'
import { readSpec, specOptions, splitCommand } from './spec-options.ts'
import { describeToolbox } from './words.ts'

export async function run(given: string[]): Promise<number> {
  const { args, command } = splitCommand(given)
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, ...specOptions, replace: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const name = oneArgument(positionals, 'NAME')
  const body = await readSpec(name, values, command)
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const { toolbox } = values.replace
    ? await client.call('replaceToolbox', { params: { id: (await findToolbox(client, query, name)).id }, query, body })
    : await client.call('addToolbox', { query, body })
  if (values.json) sayJson({ toolbox })
  else say(describeToolbox(toolbox))
  return 0
}
