import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Policy } from '#contracts/policy.ts'
import { loadConfig } from '../config.ts'
import { readHomePolicy } from '../home-policy.ts'
import { oneArgument } from './arguments.ts'
import { findServer, needServer } from './client.ts'
import { harmless, say, sayJson } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const kinds = ['models', 'licences', 'sources', 'signers'] as const

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const [verb = '', ...rest] = positionals
  const config = loadConfig()
  switch (verb) {
    case 'show': {
      if (rest.length > 0) throw new UsageError(`policy show takes no argument, got ${rest.join(' ')}`)
      const client = await findServer(config)
      print(client === undefined ? readHomePolicy(config) : await client.call('policy'), values.json)
      return 0
    }
    case 'set': {
      const policy = parse(await read(oneArgument(rest, 'FILE')))
      const client = await needServer(config)
      print(await client.call('setPolicy', { body: policy }), values.json)
      return 0
    }
    default:
      throw new UsageError(verb === '' ? 'policy wants show or set' : `policy has no ${JSON.stringify(verb)}: show or set`)
  }
}

async function read(file: string): Promise<string> {
  return file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8')
}

/** Unknown words are refused: a rule that is misspelt would rule nothing. */
function parse(json: string): Policy {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new UsageError(`the policy is no JSON: ${(error as Error).message}`)
  }
  const parsed = Policy.strict().safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new UsageError(`the policy is wrong at ${issue?.path.join('.') || 'the top'}: ${issue?.message}`)
}

function print(policy: Policy, json: boolean): void {
  if (json) {
    sayJson(policy)
    return
  }
  const lines = kinds.flatMap((kind) =>
    (['allow', 'deny'] as const).flatMap((way) =>
      policy[kind][way].length === 0 ? [] : [`${kind} ${way}: ${policy[kind][way].map(harmless).join(', ')}`]
    )
  )
  say(lines.length === 0 ? 'Everything is allowed.' : lines.join('\n'))
}
