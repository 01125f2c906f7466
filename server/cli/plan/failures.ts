import { parseArgs } from 'node:util'
import type { CompensationFailure } from '#contracts/plan.ts'
import { loadConfig } from '../../config.ts'
import { oneArgument } from '../arguments.ts'
import { needServer } from '../client.ts'
import { harmless, say, sayJson, table } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { projectOption, projectQuery } from './project-option.ts'
import { clip, inDate } from './words.ts'

const verbs = 'list, show, resolve or ignore'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...projectOption, all: { type: 'boolean', default: false }, reason: { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const [verb = '', ...rest] = positionals
  switch (verb) {
    case 'list': {
      if (rest.length > 0) throw new UsageError(`plan failures list takes no argument, got ${rest.join(' ')}`)
      const client = await needServer(loadConfig())
      const { failures } = await client.call('compensationFailures', { query: await projectQuery(client, values.project) })
      const shown = values.all ? failures : failures.filter(({ resolutionState }) => resolutionState === 'pending')
      if (values.json) sayJson({ failures: shown })
      else say(shown.length === 0 ? nothing(failures.length) : listed(shown))
      return 0
    }
    case 'show': {
      const id = oneArgument(rest, 'ID')
      const client = await needServer(loadConfig())
      const { failure } = await client.call('compensationFailure', { params: { id }, query: await projectQuery(client, values.project) })
      if (values.json) sayJson({ failure })
      else say(described(failure))
      return 0
    }
    case 'resolve':
    case 'ignore': {
      const id = oneArgument(rest, 'ID')
      if (values.reason === undefined) throw new UsageError(`plan failures ${verb} wants --reason: what was done, or why nothing needs to be`)
      const client = await needServer(loadConfig())
      const query = await projectQuery(client, values.project)
      const body = { resolution: verb === 'resolve' ? ('resolved' as const) : ('ignored' as const), reason: values.reason }
      const { failure } = await client.call('settleCompensation', { params: { id }, query, body })
      if (values.json) sayJson({ failure })
      else say(`${failure.id} is ${failure.resolutionState}.`)
      return 0
    }
    default:
      throw new UsageError(verb === '' ? `plan failures wants ${verbs}` : `plan failures has no ${JSON.stringify(verb)}: ${verbs}`)
  }
}

function nothing(settled: number): string {
  return settled === 0 ? 'No compensation has failed.' : `Nothing waits for anybody; ${settled} were seen to (--all shows them).`
}

function listed(failures: CompensationFailure[]): string {
  return table(
    ['ID', 'PLAN', 'TASK', 'SERVICE', 'HOW', 'STATE', 'SINCE', ''],
    failures.map(({ id, planId, taskId, serviceName, status, resolutionState, createdAt, failure }) => [
      id,
      planId,
      harmless(taskId),
      harmless(serviceName),
      status,
      resolutionState,
      inDate(createdAt),
      clip(failure, 60)
    ])
  )
}

function described(failure: CompensationFailure): string {
  const { id, planId, taskId, serviceName, serviceId, status, attemptsMade, maxAttempts, createdAt, resolutionState, resolution, compensation } =
    failure
  const rows: [string, string][] = [
    ['Plan', planId],
    ['Task', `${taskId}, ${serviceName} (${serviceId})`],
    ['How', `${status} after ${attemptsMade} of ${maxAttempts} attempts: ${failure.failure}`],
    ['Since', inDate(createdAt)],
    ['State', resolution === '' ? resolutionState : `${resolutionState}: ${resolution}`]
  ]
  const json = (value: unknown) => harmless(JSON.stringify(value, null, 2))
  return [
    id,
    ...rows.map(([name, value]) => `${name.padEnd(10)} ${harmless(value)}`),
    '',
    'What the service needs to take it back',
    json(compensation.data),
    '',
    'Why it was to be taken back',
    json(compensation.context)
  ].join('\n')
}
