import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { oneArgument } from './arguments.ts'
import { needServer } from './client.ts'
import { inDate } from './plan/words.ts'
import { harmless, say, sayJson, table, tell } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const [verb = '', ...rest] = positionals
  switch (verb) {
    case 'create': {
      const name = oneArgument(rest, 'NAME')
      const fresh = await (await needServer(loadConfig())).call('createProject', { body: { name } })
      if (values.json) sayJson(fresh)
      else {
        tell(`The project ${harmless(fresh.project.name)} (${fresh.project.id}) is made. The secret of its key ${fresh.key.id} is shown this once:\n`)
        // The secret alone is data: KEY=$(outpost project create shop) works.
        say(fresh.secret)
      }
      return 0
    }
    case 'list': {
      if (rest.length > 0) throw new UsageError(`project list takes no argument, got ${rest.join(' ')}`)
      const client = await needServer(loadConfig())
      const { projects, own } = await client.call('projects')
      if (values.json) sayJson({ projects, own })
      else {
        const rows = projects.map(({ id, name, createdAt }) => [id === own ? '*' : '', id, harmless(name) || '-', inDate(createdAt)])
        say(`${table(['', 'ID', 'NAME', 'SINCE'], rows)}\n* of callers whose key belongs to no project`)
      }
      return 0
    }
    default:
      throw new UsageError(verb === '' ? 'project wants create or list' : `project has no ${JSON.stringify(verb)}: create or list`)
  }
}
