import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { QueueReply, ServerStatus } from '#contracts/api.ts'
import { type Config, loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { type Client, needServer } from './client.ts'
import { stateText } from './models.ts'
import { harmless, inBytes, inTime, paint, say, sayJson, table } from './terminal.ts'

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const config = loadConfig()
  const client = await needServer(config)
  const [status, queues] = [await client.call('status'), await queuesOf(client)]
  const address = addressOf(config)
  if (values.json) sayJson({ address, ...status, queues: queues?.map(({ jobs: _, ...counts }) => counts) ?? null })
  else say(describe(address, status, queues))
  return 0
}

function describe(address: string | null, status: ServerStatus, queues: QueueReply['queues'] | null): string {
  const { version, ready, reason, uptime, client, models } = status
  const state = ready ? paint('green', 'ready') : `${paint('yellow', 'not ready')}: ${harmless(reason?.message ?? 'the reason is not known')}`
  const queueOf = (model: string) => queues?.find((queue) => queue.model === model)
  const rows = models
    .filter((model) => model.state !== 'absent' || model.reason !== null || queueOf(model.id) !== undefined)
    .map((model) => [
      harmless(model.id),
      model.kind,
      stateText(model),
      inBytes(model.size),
      model.slots === null ? '-' : String(model.slots),
      String(queueOf(model.id)?.running ?? 0),
      String(queueOf(model.id)?.waiting ?? 0),
      harmless(model.reason ?? '')
    ])
  const sum = (count: 'running' | 'waiting') => (queues ?? []).reduce((total, queue) => total + queue[count], 0)
  return [
    `Outpost ${version}${address === null ? '' : ` at ${paint('bold', address)}`}, up ${inTime(uptime * 1000)}, asked as ${harmless(client.name)} (${client.role})`,
    state,
    '',
    rows.length === 0
      ? 'No model is here yet: outpost list shows what there is to pull.'
      : table(['MODEL', 'KIND', 'STATE', 'SIZE', 'SLOTS', 'RUNNING', 'WAITING', ''], rows),
    '',
    queues === null ? 'The queue cannot be seen now.' : `Queue: ${sum('running')} running, ${sum('waiting')} waiting (outpost ps)`
  ].join('\n')
}

/** Null while Redis is away: everything else can still be told. */
async function queuesOf(client: Client): Promise<QueueReply['queues'] | null> {
  try {
    return (await client.call('queue')).queues
  } catch (error) {
    if (error instanceof AppError && error.code === 'queue_unavailable') return null
    throw error
  }
}

/** Where programs reach the server; null: it is still starting to listen. */
export function addressOf(config: Config): string | null {
  if (config.url !== undefined) return config.url
  try {
    return readFileSync(join(config.home, 'address'), 'utf8').trim()
  } catch {
    return null
  }
}
