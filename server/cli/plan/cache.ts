import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { harmless, say, sayJson, table } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { clip, inDate } from './words.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const verb = oneArgument(positionals, 'list or clear')
  if (verb !== 'list' && verb !== 'clear') throw new UsageError(`plan cache has no ${JSON.stringify(verb)}: list or clear`)
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  if (verb === 'clear') {
    const reply = await client.call('clearPlanCache', { query })
    if (values.json) sayJson(reply)
    else say(`${reply.cleared} ${reply.cleared === 1 ? 'plan is' : 'plans are'} forgotten; the next actions are planned anew.`)
    return 0
  }
  const { entries } = await client.call('planCache', { query })
  if (values.json) sayJson({ entries })
  else if (entries.length === 0) say('The plan cache is empty.')
  else {
    const rows = entries.map(({ action, fields, tasks, hits, planId, createdAt }) => [
      clip(action, 40),
      harmless(fields.join(', ')) || '-',
      String(tasks),
      String(hits),
      planId,
      inDate(createdAt)
    ])
    say(table(['ACTION', 'FIELDS', 'TASKS', 'HITS', 'FROM', 'SINCE'], rows))
  }
  return 0
}
