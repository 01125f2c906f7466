import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { ActionParameter, Json } from '#contracts/plan.ts'
import { UsageError } from '../usage-error.ts'

/** `--data`: an object, or the original's list of fields. */
const Data = z.union([z.array(ActionParameter), z.record(z.string(), Json)])

/**
 * The data of an action: `--data` as JSON, a file of it or `-` for stdin, then each `-d`: `field=text`, `field:=JSON`. A later value of a field
 * takes the place of an earlier one.
 */
export async function readOrderData(pairs: string[], data: string | undefined): Promise<ActionParameter[]> {
  const fields = new Map<string, Json>()
  if (data !== undefined) for (const { field, value } of await readData(data)) fields.set(field, value)
  for (const pair of pairs) {
    const { field, value } = parsePair(pair)
    fields.set(field, value)
  }
  return [...fields].map(([field, value]) => ({ field, value }))
}

function parsePair(pair: string): ActionParameter {
  const [, field, sign, value = ''] = /^([^=]+?)(:?=)(.*)$/s.exec(pair) ?? []
  if (field === undefined) throw new UsageError(`-d wants field=text or field:=JSON, got ${JSON.stringify(pair)}`)
  return { field, value: sign === '=' ? value : parse(value, `-d ${field}`) }
}

async function readData(data: string): Promise<ActionParameter[]> {
  const isText = /^\s*[[{]/.test(data)
  const json = isText ? data : data === '-' ? await text(process.stdin) : readFileSync(data, 'utf8')
  const where = isText || data === '-' ? '--data' : data
  const parsed = Data.safeParse(parse(json, where))
  if (!parsed.success) throw new UsageError(`${where} must be an object of fields, or a list of {"field", "value"}`)
  return Array.isArray(parsed.data) ? parsed.data : Object.entries(parsed.data).map(([field, value]) => ({ field, value }))
}

function parse(json: string, where: string): Json {
  try {
    return JSON.parse(json) as Json // JSON.parse makes nothing else.
  } catch (error) {
    throw new UsageError(`${where} is no JSON: ${(error as Error).message}`)
  }
}
