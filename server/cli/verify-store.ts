import { parseArgs } from 'node:util'
import { verify } from './verify.ts'

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  return await verify(undefined, values.json)
}
