import { parseArgs } from 'node:util'
import { PlanStatus } from '#contracts/plan.ts'
import type { PlanSummary } from '#contracts/plan-api.ts'
import { loadConfig } from '../../config.ts'
import { choiceOption, numberOption } from '../arguments.ts'
import { needServer } from '../client.ts'
import { say, sayJson, table } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { clip, iconOf, inDate, paintIcon, wordOf } from './words.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...projectOption,
      status: { type: 'string' },
      limit: { type: 'string', default: '20' },
      before: { type: 'string' },
      json: { type: 'boolean', default: false }
    },
    allowPositionals: true
  })
  if (positionals.length > 0) throw new UsageError(`plan list takes no argument, got ${positionals.join(' ')}`)
  const status = choiceOption('status', values.status, PlanStatus.options)
  numberOption('limit', values.limit, { min: 1, max: 1000, whole: true })
  const client = await needServer(loadConfig())
  const query = { ...(await projectQuery(client, values.project)), status, limit: values.limit, before: values.before }
  const page = await client.call('plans', { query })
  if (values.json) {
    sayJson(page)
    return 0
  }
  say(page.plans.length === 0 ? 'There is no plan: outpost plan run "ACTION" makes one.' : listed(page.plans))
  if (page.next !== null) say(`Older ones: outpost plan list --before ${page.next}`)
  return 0
}

function listed(plans: PlanSummary[]): string {
  return table(
    ['', 'ID', 'ACTION', 'STATUS', 'TAKEN BACK', 'SINCE', ''],
    plans.map(({ id, action, status, compensation, failure, createdAt }) => [
      iconOf(status),
      id,
      clip(action, 40),
      wordOf(status),
      compensation === null
        ? '-'
        : `${compensation.completed} of ${compensation.total}${compensation.failed > 0 ? `, ${compensation.failed} failed` : ''}`,
      inDate(createdAt),
      failure === null ? '' : clip(failure.message, 60)
    ]),
    (cell, column) => (column === 0 ? paintIcon(cell) : cell)
  )
}
