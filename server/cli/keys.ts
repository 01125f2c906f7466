import { parseArgs } from 'node:util'
import { Lane } from '#contracts/job.ts'
import { type Key, KeyRole } from '#contracts/key.ts'
import { type Config, loadConfig } from '../config.ts'
import { choiceOption, oneArgument } from './arguments.ts'
import { type Client, needServer } from './client.ts'
import { addressOf } from './status.ts'
import { harmless, paint, say, sayJson, table, tell } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { role: { type: 'string' }, lane: { type: 'string' }, project: { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const [verb = '', ...rest] = positionals
  const config = loadConfig()
  switch (verb) {
    case 'create': {
      const role = choiceOption('role', values.role, KeyRole.options)
      const lane = choiceOption('lane', values.lane, Lane.options)
      const name = oneArgument(rest, 'NAME')
      const { project } = values
      if (role === 'project' && project === undefined) throw new UsageError('--role project wants --project ID: outpost project list shows them')
      const client = await needServer(config)
      const fresh = await client.call('createKey', { body: { name, ...(role && { role }), ...(lane && { lane }), ...(project && { project }) } })
      return await showFresh(fresh, client, config, values.json)
    }
    case 'rotate': {
      const id = oneArgument(rest, 'ID')
      const client = await needServer(config)
      return await showFresh(await client.call('rotateKey', { params: { id } }), client, config, values.json)
    }
    case 'revoke': {
      const id = oneArgument(rest, 'ID')
      const { key } = await (await needServer(config)).call('revokeKey', { params: { id } })
      if (values.json) sayJson({ key })
      else say(`${describe(key)} is revoked; what ran with it has ended.`)
      return 0
    }
    case 'list': {
      if (rest.length > 0) throw new UsageError(`keys list takes no argument, got ${rest.join(' ')}`)
      const { keys } = await (await needServer(config)).call('keys')
      if (values.json) sayJson({ keys })
      else say(keys.length === 0 ? 'There is no key yet: outpost keys create NAME makes one.' : listed(keys))
      return 0
    }
    default:
      throw new UsageError(
        verb === '' ? 'keys wants create, list, revoke or rotate' : `keys has no ${JSON.stringify(verb)}: create, list, revoke or rotate`
      )
  }
}

/** The secret alone is data: `SECRET=$(outpost keys create app)` works. */
async function showFresh({ key, secret }: { key: Key; secret: string }, client: Client, config: Config, json: boolean): Promise<number> {
  if (json) {
    sayJson({ key, secret })
    return 0
  }
  tell(`${describe(key)}. Its secret is shown this once:\n`)
  say(secret)
  const { models } = await client.call('models')
  const model = models.find(({ kind, state }) => kind === 'chat' && state === 'ready') ?? models.find(({ kind }) => kind === 'chat')
  const body = JSON.stringify({ model: model?.id ?? 'MODEL', messages: [{ role: 'user', content: 'Say hello.' }] })
  tell(
    `\n  curl ${addressOf(config) ?? 'http://127.0.0.1:4477'}/v1/chat/completions -H 'authorization: Bearer ${secret}' -H 'content-type: application/json' -d '${body}'`
  )
  return 0
}

function describe(key: Key): string {
  return `Key ${paint('bold', harmless(key.name))} (id ${key.id}, ${key.role}, ${key.lane})`
}

function listed(keys: Key[]): string {
  const day = (time: string | null) => (time === null ? '-' : time.slice(0, 16).replace('T', ' '))
  return table(
    ['ID', 'NAME', 'ROLE', 'PROJECT', 'LANE', 'SECRET', 'CREATED', 'LAST USED', 'STATE'],
    keys.map((key) => [
      key.id,
      harmless(key.name),
      key.role,
      key.projectId ?? '-',
      key.lane,
      `${key.prefix}…`,
      day(key.createdAt),
      day(key.lastUsedAt),
      key.revokedAt === null ? 'valid' : `revoked ${day(key.revokedAt)}`
    ])
  )
}
