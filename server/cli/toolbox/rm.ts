import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { projectOption, projectQuery } from '../plan/project-option.ts'
import { harmless, say, sayJson } from '../terminal.ts'
import { findToolbox } from './find-toolbox.ts'

export async function run(args: string[]): Promise<number> {
  const options = { ...projectOption, json: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const wanted = oneArgument(positionals, 'TOOLBOX')
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const { id, name, services } = await findToolbox(client, query, wanted)
  const reply = await client.call('removeToolbox', { params: { id }, query })
  if (values.json) sayJson(reply)
  else say(`${harmless(name)} (${id}) is removed, and ${services.length === 1 ? 'its service' : `its ${services.length} services`} with it.`)
  return 0
}
