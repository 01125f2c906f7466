import { parseArgs } from 'node:util'
import type { QueueReply } from '#contracts/api.ts'
import { loadConfig } from '../config.ts'
import { needServer } from './client.ts'
import { harmless, inTime, say, sayJson, table } from './terminal.ts'

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const client = await needServer(loadConfig())
  const reply = await client.call('queue')
  if (values.json) sayJson(reply)
  else say(describe(reply))
  return 0
}

function describe({ queues }: QueueReply): string {
  const rows = queues.flatMap(({ model, jobs }) =>
    jobs.map((job) => [
      job.jobId,
      harmless(model),
      job.kind,
      harmless(job.clientId),
      job.lane,
      job.position === null ? job.state : `${job.state} (${job.position})`,
      job.etaMs === null ? '-' : inTime(job.etaMs),
      inTime(Date.now() - job.submittedAt)
    ])
  )
  const hidden = queues.reduce((sum, { waiting, running, jobs }) => sum + waiting + running - jobs.length, 0)
  const others = hidden > 0 ? `${rows.length === 0 ? '' : '\n'}${hidden} of other clients (an administrator sees them)` : ''
  if (rows.length === 0) return others === '' ? 'Nothing runs or waits.' : others
  return `${table(['JOB', 'MODEL', 'KIND', 'CLIENT', 'LANE', 'STATE', 'STARTS IN', 'SINCE'], rows)}${others}`
}
