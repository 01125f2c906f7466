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

/** A table that is drawn anew after changes, and each second for the times in it. */
export function createScreenView(stream: NodeJS.WriteStream): LiveView {
  let rows: TaskRow[] = []
  let planning = ''
  let drawn = 0
  let due: NodeJS.Immediate | undefined
  const linesNow = () => {
    if (rows.length === 0) return planning === '' ? [] : [planning]
    const lines = taskTable(fitting(rows, (stream.rows || 24) - 4), Date.now(), stream).split('\n')
    const hidden = rows.length - (lines.length - 1)
    return hidden > 0 ? [...lines, `… and ${hidden} more that wait or are done`] : lines
  }
  const draw = (above = '') => {
    clearImmediate(due)
    due = undefined
    const lines = linesNow()
    // A line that wraps would take two, and the next drawing would begin in the wrong place.
    const text = lines.length === 0 ? '' : `\u001b[?7l${lines.join('\n')}\n\u001b[?7h`
    stream.write(`${drawn > 0 ? `\u001b[${drawn}A\u001b[J` : ''}${above}${text}`)
    drawn = lines.length
  }
  // What comes together is drawn together.
  const drawSoon = () => {
    due ??= setImmediate(() => draw())
  }
  const clock = setInterval(() => draw(), 1000).unref()
  return {
    planning(progress) {
      planning = planningText(progress)
      drawSoon()
    },
    changed(_row, all) {
      rows = all
      drawSoon()
    },
    note: (text) => draw(`${text}\n`),
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
