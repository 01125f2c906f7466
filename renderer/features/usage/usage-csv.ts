import type { UsageReply } from '#contracts/api.ts'
import { call } from '../../api.ts'
import { toCsv } from './csv.ts'
import { groupLines, requestLines } from './usage-lines.ts'

type By = UsageReply['by']
const rowsOfPage = 1000

/** What was used in a period, whole, in columns that are called the same in every language. Throws `ApiError`. */
export async function usageCsv(by: By, from: number | undefined, nameOf: (clientId: string) => string): Promise<string> {
  if (by === 'request') return toCsv(requestLines(await everyRequest(from), nameOf))
  const { groups } = await call('usage', { query: { by, ...periodFrom(from) } })
  return toCsv(groupLines(by, groups, nameOf))
}

/** Hands a file to the browser to keep. */
export function saveFile(name: string, text: string): void {
  // Spreadsheets take a file for UTF-8 only with a byte order mark.
  const url = URL.createObjectURL(new Blob(['\uFEFF', text], { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url))
}

export const periodFrom = (from: number | undefined): { from?: string } => (from === undefined ? {} : { from: String(from) })

async function everyRequest(from: number | undefined): Promise<UsageReply['rows']> {
  const all: UsageReply['rows'] = []
  for (;;) {
    const before = all.at(-1)?.id
    const query = {
      by: 'request' as const,
      limit: String(rowsOfPage),
      ...periodFrom(from),
      ...(before === undefined ? {} : { before: String(before) })
    }
    const { rows } = await call('usage', { query })
    all.push(...rows)
    if (rows.length < rowsOfPage) return all
  }
}
