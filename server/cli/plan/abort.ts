import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { say, sayJson } from '../terminal.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { wordOf } from './words.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, reason: { type: 'string', default: '' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const id = oneArgument(positionals, 'ID')
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const { plan } = await client.call('abortPlan', { params: { id }, query, body: { reason: values.reason } })
  if (values.json) sayJson({ plan })
  else say(`${plan.id} is ${wordOf(plan.status)}; what can be taken back is taken back (outpost plan show ${plan.id}).`)
  return 0
}
