import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { oneArgument } from './arguments.ts'
import { needServer } from './client.ts'
import { say } from './terminal.ts'

export async function pin(args: string[], order: 'pinModel' | 'unpinModel'): Promise<number> {
  const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
  const id = oneArgument(positionals, 'MODEL')
  const client = await needServer(loadConfig())
  const { model, pinned } = await client.call(order, { params: { id } })
  say(pinned ? `${model} is never unloaded to make room from now on.` : `${model} makes room for others again.`)
  return 0
}
