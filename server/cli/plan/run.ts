import { parseArgs } from 'node:util'
import { loadConfig } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { durationOption, oneArgument } from '../arguments.ts'
import { type Client, needServer } from '../client.ts'
import { runUntilInterrupted } from '../interrupt.ts'
import { harmless, say, sayJson, tell } from '../terminal.ts'
import { readOrderData } from './order-data.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { watchPlan } from './watch-plan.ts'

/** The results are the data, on stdout; everything about how it goes is told on stderr. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...projectOption,
      d: { type: 'string', short: 'd', multiple: true, default: [] },
      data: { type: 'string' },
      approve: { type: 'string', multiple: true, default: [] },
      timeout: { type: 'string' },
      grace: { type: 'string' },
      deadline: { type: 'string' },
      detach: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const action = oneArgument(positionals, 'ACTION')
  const timeoutMs = durationOption('timeout', values.timeout)
  const gracePeriodMs = durationOption('grace', values.grace)
  const deadlineMs = durationOption('deadline', values.deadline)
  const data = await readOrderData(values.d, values.data)
  const client = await needServer(loadConfig())
  const query = await projectQuery(client, values.project)
  const approval = await idsOf(client, query, values.approve)

  return await runUntilInterrupted(async (signal) => {
    const { plan } = await client.call('runPlan', {
      query,
      body: {
        action,
        data,
        async: true,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(gracePeriodMs === undefined ? {} : { gracePeriodMs }),
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
        ...(approval.length === 0 ? {} : { approval })
      }
    })
    if (values.detach) {
      if (values.json) sayJson({ plan })
      else say(plan.id)
      return 0
    }
    const code = await watchPlan(client, plan, query, { json: values.json, signal })
    if (code !== 0 && query.project === undefined && (await client.call('services', { query })).services.length === 0) {
      tell('The project that was used has no service. -p names another one; outpost project list shows them.')
    }
    return code
  })
}

/** Services by name or id. Throws `not_found` with the names there are. */
async function idsOf(client: Client, query: { project?: string }, wanted: string[]): Promise<string[]> {
  if (wanted.length === 0) return []
  const { services } = await client.call('services', { query })
  return wanted.flatMap((name) => {
    const found = services.filter((service) => service.id === name || service.name === name)
    if (found.length > 0) return found.map(({ id }) => id)
    const names = services.map((service) => harmless(service.name)).join(', ')
    throw new AppError('not_found', `there is no service ${JSON.stringify(name)}: ${names === '' ? 'the project has none yet' : `there is ${names}`}`)
  })
}
