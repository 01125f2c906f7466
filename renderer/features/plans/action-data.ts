import type { ActionParameter, Json } from '#contracts/plan.ts'

export type Row = { id: number; field: string; value: string }

/** Data as the rows of the form say it: JSON where a value is valid JSON (numbers, lists, `true`), else the text as it stands. */
export function rowsToData(rows: readonly Row[]): ActionParameter[] {
  return rows.filter(({ field }) => field.trim() !== '').map(({ field, value }) => ({ field: field.trim(), value: toJson(value) }))
}

/** An object's fields; undefined: it is no JSON object. */
export function jsonToData(text: string): ActionParameter[] | undefined {
  if (text.trim() === '') return []
  try {
    const parsed = JSON.parse(text) as Json // JSON.parse makes nothing else.
    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return undefined
    return Object.entries(parsed).map(([field, value]) => ({ field, value: value as Json }))
  } catch {
    return undefined
  }
}

export const dataToJson = (data: readonly ActionParameter[]): string =>
  JSON.stringify(Object.fromEntries(data.map(({ field, value }) => [field, value])), null, 2)

export const dataToRows = (data: readonly ActionParameter[]): Row[] =>
  data.map(({ field, value }, id) => ({ id, field, value: typeof value === 'string' && toJson(value) === value ? value : JSON.stringify(value) }))

/** `outpost plan run` with the same words and data. */
export function commandOf(action: string, data: readonly ActionParameter[]): string {
  const fields = data.map(({ field, value }) => ` -d ${quoted(`${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`)
  return `plan run ${quoted(action)}${fields.join('')}`
}

function toJson(text: string): Json {
  try {
    return JSON.parse(text) as Json // JSON.parse makes nothing else.
  } catch {
    return text
  }
}

/** As a shell takes it whole. */
const quoted = (text: string): string => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
