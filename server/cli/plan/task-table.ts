import { harmless, table } from '../terminal.ts'
import type { TaskRow } from './task-rows.ts'
import { clip, iconOf, inShortTime, paintIcon, wordOf } from './words.ts'

const noteWidth = 60

/** Tasks of a plan, a line each under a head. `now`: for what still runs. */
export function taskTable(rows: TaskRow[], now: number, stream?: NodeJS.WriteStream): string {
  const hasCompensation = rows.some(({ compensation }) => compensation !== '')
  return table(
    ['', 'TASK', 'SERVICE', 'STATE', 'TRIES', 'TIME', ...(hasCompensation ? ['TAKEN BACK'] : []), ''],
    rows.map((row) => [
      iconOf(row.state),
      harmless(row.id),
      harmless(row.service),
      wordOf(row.state),
      row.attempts === 0 ? '-' : String(row.attempts),
      row.startedAt === null ? '-' : inShortTime((row.endedAt ?? now) - row.startedAt),
      ...(hasCompensation ? [row.compensation === '' ? '-' : row.compensation] : []),
      clip(noteOf(row), noteWidth)
    ]),
    (cell, column) => (column === 0 ? paintIcon(cell, stream) : cell)
  )
}

/** The same in a line, for a log. */
export function taskLine(row: TaskRow): string {
  const time = row.startedAt !== null && row.endedAt !== null ? ` in ${inShortTime(row.endedAt - row.startedAt)}` : ''
  const tries = row.attempts > 1 && row.endedAt === null ? ` (attempt ${row.attempts})` : ''
  const compensation = row.compensation === '' ? '' : `, ${row.compensation}`
  const note = noteOf(row)
  return `${iconOf(row.state)} ${harmless(row.id)} ${harmless(row.service)}: ${wordOf(row.state)}${time}${tries}${compensation}${note === '' ? '' : ` – ${clip(note, 200)}`}`
}

function noteOf({ state, note, after }: TaskRow): string {
  return note === '' && state === 'waiting' && after.length > 0 ? `after ${after.join(', ')}` : note
}
