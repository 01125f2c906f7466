import type { Toolbox } from '#contracts/plan-tools.ts'
import { AppError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { harmless } from '../terminal.ts'

/** By id or name. Throws `not_found` with the names there are. */
export async function findToolbox(client: Client, query: { project?: string }, wanted: string): Promise<Toolbox> {
  const { toolboxes } = await client.call('toolboxes', { query })
  const found = toolboxes.find(({ id, name }) => id === wanted || name === wanted)
  if (found !== undefined) return found
  const there = toolboxes.length === 0 ? 'there is none' : `there is ${toolboxes.map(({ name }) => harmless(name)).join(', ')}`
  throw new AppError('not_found', `there is no toolbox ${JSON.stringify(wanted)}: ${there}`)
}
