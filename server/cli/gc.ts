import { parseArgs } from 'node:util'
import type { GarbageReport } from '#contracts/store.ts'
import { loadConfig } from '../config.ts'
import { collectGarbage } from '../models/store/garbage.ts'
import { numberOption } from './arguments.ts'
import { findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'
import { harmless, inBytes, say, sayJson, table } from './terminal.ts'

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { 'dry-run': { type: 'boolean', default: false }, 'older-than': { type: 'string' }, json: { type: 'boolean', default: false } }
  })
  const olderThanDays = numberOption('older-than', values['older-than'], { min: 0, max: 10_000 }) ?? 7
  const order = { olderThanDays, dryRun: values['dry-run'] }
  const config = loadConfig()
  const client = await findServer(config)
  const report = client === undefined ? await collectHere() : await client.call('collectGarbage', { body: order })
  if (values.json) sayJson(report)
  else say(describe(report))
  return 0

  function collectHere() {
    const { store, catalogue } = openLocalModels(config)
    return collectGarbage(store, catalogue, order)
  }
}

function describe({ items, freed, dryRun }: GarbageReport): string {
  if (items.length === 0) return 'There is nothing to delete.'
  const rows = items.map(({ kind, bytes, path }) => [kind, inBytes(bytes), harmless(path)])
  return `${table(['WHAT', 'SIZE', 'FILE'], rows)}\n${inBytes(freed)} ${dryRun ? 'would be' : 'are'} free again.`
}
