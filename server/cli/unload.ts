import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { oneArgument } from './arguments.ts'
import { needServer } from './client.ts'
import { findModel } from './models.ts'
import { say } from './terminal.ts'

/** Unloads a model in the running server. It does not wait for running requests: new ones load the model again, so that may never end. */
export async function run(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
  const id = oneArgument(positionals, 'MODEL')
  const client = await needServer(loadConfig())
  const { model } = await client.call('unloadModel', { params: { id } })
  const { state } = findModel((await client.call('models')).models, model)
  say(state === 'ready' ? `${model} is unloaded as soon as its requests have ended.` : `${model} is unloaded; the next request loads it again.`)
  return 0
}
