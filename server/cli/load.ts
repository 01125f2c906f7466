import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { oneArgument } from './arguments.ts'
import { needServer } from './client.ts'
import { findModel, stateText } from './models.ts'
import { createStatusLine, say } from './terminal.ts'

const lookMs = 200

/** Loads a model in the running server and waits until it can answer. */
export async function run(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
  const id = oneArgument(positionals, 'MODEL')
  const client = await needServer(loadConfig())
  const { model } = await client.call('loadModel', { params: { id } })
  const status = createStatusLine()
  for (;;) {
    const found = findModel((await client.call('models')).models, model)
    if (found.state === 'ready') break
    if (found.state === 'failed' || found.state === 'absent' || (found.state === 'present' && found.reason !== null)) {
      status.clear()
      throw new AppError('model_failed', found.reason ?? `${model} was not loaded`)
    }
    status.show(`${model}: ${stateText(found)}`)
    await delay(lookMs)
  }
  status.clear()
  say(`${model} is ready.`)
  return 0
}
