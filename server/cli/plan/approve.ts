import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { needServer } from '../client.ts'
import { harmless, say, sayJson } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { projectOption, projectQuery } from './project-option.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...projectOption,
      refuse: { type: 'boolean', default: false },
      note: { type: 'string' },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const [id, task, ...more] = positionals
  if (id === undefined || task === undefined || more.length > 0) {
    throw new UsageError(`plan approve wants ID and TASK, got ${positionals.length === 0 ? 'nothing' : positionals.join(' ')}`)
  }
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const { plan } = await client.call('decideTask', {
    params: { id },
    query,
    body: { task, approved: !values.refuse, ...(values.note === undefined ? {} : { note: values.note }) }
  })
  if (values.json) sayJson({ plan })
  else say(`${harmless(task)} of ${plan.id} is ${values.refuse ? 'refused' : 'approved'}.`)
  return 0
}
