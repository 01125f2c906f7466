import { parseArgs } from 'node:util'
import type { ModelStatus } from '#contracts/model.ts'
import { type Config, loadConfig } from '../config.ts'
import { createModelFacts } from '../model-facts.ts'
import { createDescriptions } from '../models/inspect/descriptions.ts'
import { findServer } from './client.ts'
import { type LocalModels, openLocalModels } from './local-models.ts'
import { stateText } from './models.ts'
import { harmless, inBytes, paint, say, sayJson, table } from './terminal.ts'

/** The running server's models, else what catalogue and disk say. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const config = loadConfig()
  const client = await findServer(config)
  const local = openLocalModels(config)
  const models = client === undefined ? local.known.list() : (await client.call('models')).models
  if (values.json) sayJson({ models })
  else say(describe(models, config.url === undefined ? await fitsHere(local, config, models) : []))
  return 0
}

/** In a word each; of a server elsewhere this machine's memory says nothing. */
async function fitsHere({ catalogue, store, log }: LocalModels, config: Config, models: readonly ModelStatus[]): Promise<string[]> {
  const facts = createModelFacts({ entries: catalogue.models, store, descriptions: createDescriptions({ folder: store.folder, log }) })
  const fits = await facts.glance(
    models.map(({ id }) => id),
    { slots: config.slots }
  )
  return fits.map((fit) => {
    if (fit === undefined) return '-'
    return fit.verdict === 'context' ? `≤ ${fit.largestContext}` : { fits: 'yes', layers: 'partly', none: 'no' }[fit.verdict]
  })
}

function describe(models: ModelStatus[], fits: string[]): string {
  const isHere = ({ state }: ModelStatus) => state !== 'absent' && state !== 'pulling'
  const rows = models.map((model, index) => [
    isHere(model) ? '✔' : '-',
    harmless(model.id),
    model.kind,
    model.size === 0 ? '-' : inBytes(model.size),
    stateText(model),
    String(model.contextWindow),
    fits[index] ?? '-',
    harmless(model.licence)
  ])
  return table(['', 'ID', 'KIND', 'SIZE', 'STATE', 'CONTEXT', 'FITS', 'LICENCE'], rows, (cell, column) =>
    column === 0 && cell === '✔' ? paint('green', cell) : cell
  )
}
