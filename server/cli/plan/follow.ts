import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { runUntilInterrupted } from '../interrupt.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { watchPlan } from './watch-plan.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const id = oneArgument(positionals, 'ID')
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const { plan } = await client.call('plan', { params: { id }, query })
  return await runUntilInterrupted((signal) => watchPlan(client, plan, query, { json: values.json, signal }))
}
