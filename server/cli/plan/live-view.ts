import type { PlanProgress } from '#contracts/plan-api.ts'
import { inTime } from '../terminal.ts'
import type { TaskRow } from './task-rows.ts'
import { taskLine, taskTable } from './task-table.ts'

/** What somebody sees who follows a plan. */
export type LiveView = {
  planning(progress: PlanProgress): void
  /** A task changed. */
  changed(row: TaskRow, rows: TaskRow[]): void
  /** A line that stays. */
  note(text: string): void
  /** Leaves what is on the screen as it is now. */
  end(): void
}

/** A table that is drawn anew with each change, and each second for the times in it. */
export function createScreenView(stream: NodeJS.WriteStream): LiveView {
  let rows: TaskRow[] = []
  let planning = ''
  let drawn = 0
  const erase = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`)
    drawn = 0
  }
  const draw = () => {
    const lines =
      rows.length > 0 ? taskTable(fitting(rows, (stream.rows || 24) - 4), Date.now(), stream).split('\n') : planning === '' ? [] : [planning]
    const hidden = rows.length - (lines.length - 1)
    if (rows.length > 0 && hidden > 0) lines.push(`… and ${hidden} more that wait or are done`)
    erase()
    // A line that wraps would take two, and the next drawing would begin in the wrong place.
    stream.write('\u001b[?7l')
    for (const line of lines) stream.write(`${line}\n`)
    stream.write('\u001b[?7h')
    drawn = lines.length
  }
  const clock = setInterval(draw, 1000).unref()
  return {
    planning(progress) {
      planning = planningText(progress)
      draw()
    },
    changed(_row, all) {
      rows = all
      draw()
    },
    note(text) {
      erase()
      stream.write(`${text}\n`)
      draw()
    },
    end() {
      clearInterval(clock)
      planning = ''
      draw()
    }
  }
}

/** A line for each change, where nothing can be drawn over. */
export function createLineView(stream: NodeJS.WriteStream): LiveView {
  let said = ''
  return {
    planning(progress) {
      if (progress.type === 'thinking' || progress.type === 'writing') return
      const text = planningText(progress)
      if (text !== said) stream.write(`${text}\n`)
      said = text
    },
    changed: (row) => void stream.write(`${taskLine(row)}\n`),
    note: (text) => void stream.write(`${text}\n`),
    end() {}
  }
}

function planningText(progress: PlanProgress): string {
  switch (progress.type) {
    case 'waiting':
      return `Planning: number ${progress.position} in line${progress.etaMs === null ? '' : `, starts in about ${inTime(progress.etaMs)}`}`
    case 'loading':
      return `Planning: the model is being loaded, ${Math.round(progress.percent)} %`
    case 'attempt':
      return `Planning: attempt ${progress.attempt}${progress.phase === 'whole' ? '' : `, ${progress.phase}`}`
    case 'thinking':
      return `Planning: the model thinks, ${progress.characters} characters`
    case 'writing':
      return `Planning: the model writes, ${progress.characters} characters`
  }
}

/** Where not all have room: those that something happens to, then the first of the others. In their order. */
function fitting(rows: TaskRow[], room: number): TaskRow[] {
  if (rows.length <= room) return rows
  const isQuiet = ({ state }: TaskRow) => state === 'waiting' || state === 'completed'
  const chosen = new Set([...rows.filter((row) => !isQuiet(row)), ...rows.filter(isQuiet)].slice(0, Math.max(1, room - 1)))
  return rows.filter((row) => chosen.has(row))
}
