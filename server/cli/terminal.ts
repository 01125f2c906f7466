import { styleText } from 'node:util'

type Stream = NodeJS.WriteStream
type Format = Parameters<typeof styleText>[0]

/** Text in a colour, where the stream is a terminal that wants it (`NO_COLOR` is obeyed). */
export function paint(format: Format, text: string, stream: Stream = process.stdout): string {
  return styleText(format, text, { stream })
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** For people, beside the data: it does not get into a pipe. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Rows under a head, in columns as wide as they need to be. `style` colours a cell after its width was counted. */
export function table(head: string[], rows: string[][], style: (cell: string, column: number) => string = (cell) => cell): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[], styled: (cell: string, column: number) => string) =>
    cells
      .map((cell, column) => `${styled(cell, column)}${column === cells.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - cell.length + 2)}`)
      .join('')
      .trimEnd()
  return [line(head, (cell) => paint('dim', cell)), ...rows.map((row) => line(row, style))].join('\n')
}

/** One line on a terminal that is written over and goes away; nothing in a pipe. */
export function createStatusLine(stream: Stream = process.stderr): { show(text: string): void; clear(): void } {
  let shown = ''
  return {
    show(text) {
      if (!stream.isTTY || text === shown) return
      shown = text
      stream.write(`\r${paint('dim', text.slice(0, (stream.columns || 80) - 1), stream)}\u001b[K`)
    },
    clear() {
      if (shown !== '') stream.write('\r\u001b[K')
      shown = ''
    }
  }
}

/** What others wrote, made harmless for a terminal: without escape sequences and other control characters than line ends and tabs. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

/** 98362432 → `98 MB` */
export function inBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`
}

/** 75000 → `1 min 15 s` */
export function inTime(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

/** Where a bar goes: it belongs to the terminal; without one, the plain lines go with the rest of the output, unless that is for the data alone (`--json`). */
export function progressStream(isJson = false): NodeJS.WriteStream {
  return isJson || process.stderr.isTTY ? process.stderr : process.stdout
}
