import { parseArgs } from 'node:util'
import type { ModelStatus } from '#contracts/model.ts'
import { loadConfig } from '../config.ts'
import { findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'
import { stateText } from './models.ts'
import { harmless, inBytes, paint, say, sayJson, table } from './terminal.ts'

/** The running server's models, else what catalogue and disk say. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const config = loadConfig()
  const client = await findServer(config)
  const models = client === undefined ? openLocalModels(config).known.list() : (await client.call('models')).models
  if (values.json) sayJson({ models })
  else say(describe(models))
  return 0
}

function describe(models: ModelStatus[]): string {
  const isHere = ({ state }: ModelStatus) => state !== 'absent' && state !== 'pulling'
  const rows = models.map((model) => [
    isHere(model) ? '✔' : '-',
    harmless(model.id),
    model.kind,
    model.size === 0 ? '-' : inBytes(model.size),
    stateText(model),
    String(model.contextWindow),
    harmless(model.licence)
  ])
  return table(['', 'ID', 'KIND', 'SIZE', 'STATE', 'CONTEXT', 'LICENCE'], rows, (cell, column) =>
    column === 0 && cell === '✔' ? paint('green', cell) : cell
  )
}
