import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { oneArgument } from './arguments.ts'
import { findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'
import { inBytes, say, sayJson } from './terminal.ts'

/** Through the running server when there is one, because it may have the model loaded; else in this process. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const name = oneArgument(positionals, 'MODEL')
  const config = loadConfig()
  const client = await findServer(config)
  const removed = client === undefined ? removeHere(name) : await client.call('removeModel', { params: { id: name } })
  if (values.json) sayJson(removed)
  else say(`${removed.model} is removed, ${inBytes(removed.freed)} are free again.${keptText(removed.kept)}`)
  return 0

  function removeHere(wanted: string) {
    const { known, store } = openLocalModels(config)
    const { id } = known.resolve(wanted)
    const removal = store.remove(id)
    if (removal === undefined) throw new AppError('model_not_found', `${id} is not on this machine, so there is nothing to remove`)
    return { model: id, freed: removal.freed, kept: removal.kept }
  }
}

function keptText(bytes: number): string {
  return bytes === 0 ? '' : ` ${inBytes(bytes)} stay: other models need them, or they belong to another program.`
}
