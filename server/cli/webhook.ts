import { parseArgs } from 'node:util'
import type { z } from 'zod'
import type { Delivery } from '#contracts/plan-api.ts'
import { loadConfig } from '../config.ts'
import { numberOption, oneArgument } from './arguments.ts'
import { needServer } from './client.ts'
import { projectOption, projectQuery } from './plan/project-option.ts'
import { clip, inDate } from './plan/words.ts'
import { harmless, say, sayJson, table, tell } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const verbs = 'add, list, rm, deliveries or redeliver'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...projectOption,
      compensation: { type: 'boolean', default: false },
      plan: { type: 'string' },
      limit: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  const [verb = '', ...rest] = positionals
  const connect = async () => {
    const client = await needServer(loadConfig())
    return { client, query: await projectQuery(client, values.project) }
  }
  switch (verb) {
    case 'add': {
      const url = oneArgument(rest, 'URL')
      const { client, query } = await connect()
      const added = await client.call('addWebhook', { query, body: { url, kind: values.compensation ? 'compensation' : 'plan' } })
      if (values.json) sayJson(added)
      else {
        tell(`${harmless(added.webhook.url)} (${added.webhook.id}) is told. The secret that signs what is sent there is shown this once:\n`)
        say(added.secret)
      }
      return 0
    }
    case 'list': {
      if (rest.length > 0) throw new UsageError(`webhook list takes no argument, got ${rest.join(' ')}`)
      const { client, query } = await connect()
      const { webhooks } = await client.call('webhooks', { query })
      if (values.json) sayJson({ webhooks })
      else if (webhooks.length === 0) say('Nobody is told: outpost webhook add URL changes that.')
      else {
        const rows = webhooks.map(({ id, kind, url, createdAt }) => [id, kind, inDate(createdAt), harmless(url)])
        say(table(['ID', 'KIND', 'SINCE', 'URL'], rows))
      }
      return 0
    }
    case 'rm': {
      const id = oneArgument(rest, 'ID')
      const { client, query } = await connect()
      const reply = await client.call('removeWebhook', { params: { id }, query })
      if (values.json) sayJson(reply)
      else say(`${id} is told no more.`)
      return 0
    }
    case 'deliveries': {
      if (rest.length > 0) throw new UsageError(`webhook deliveries takes no argument, got ${rest.join(' ')}`)
      numberOption('limit', values.limit, { min: 1, max: 1000, whole: true })
      const { client, query } = await connect()
      const { deliveries } = await client.call('deliveries', { query: { ...query, plan: values.plan, limit: values.limit } })
      if (values.json) sayJson({ deliveries })
      else say(deliveries.length === 0 ? 'Nothing was sent yet.' : listed(deliveries))
      return 0
    }
    case 'redeliver': {
      const id = oneArgument(rest, 'ID')
      const { client, query } = await connect()
      const reply = await client.call('redeliver', { params: { id }, query })
      if (values.json) sayJson(reply)
      else say(`${id} is sent once more: outpost webhook deliveries tells how that goes.`)
      return 0
    }
    default:
      throw new UsageError(verb === '' ? `webhook wants ${verbs}` : `webhook has no ${JSON.stringify(verb)}: ${verbs}`)
  }
}

function listed(deliveries: z.infer<typeof Delivery>[]): string {
  return table(
    ['ID', 'EVENT', 'PLAN', 'STATE', 'ATTEMPTS', 'SINCE', 'URL', ''],
    deliveries.map(({ id, event, planId, state, attempts, createdAt, url, error, nextAt }) => [
      id,
      harmless(event),
      planId,
      state,
      String(attempts),
      inDate(createdAt),
      clip(url, 40),
      clip([error ?? '', nextAt === null ? '' : `next at ${inDate(nextAt)}`].filter((part) => part !== '').join(', '), 80)
    ])
  )
}
