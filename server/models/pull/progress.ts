/** How far something is; bytes, and milliseconds of a clock that only goes forward. */
export type ProgressSample = { received: number; total: number; at: number }

/** Bytes a second over the last samples; undefined as long as they say nothing. */
export function rateOf(samples: readonly ProgressSample[]): number | undefined {
  const last = samples.at(-1)
  if (last === undefined) return undefined
  const first = samples.find(({ at }) => last.at - at <= windowMs)
  if (first === undefined || last.at <= first.at || last.received <= first.received) return undefined
  return ((last.received - first.received) / (last.at - first.at)) * 1000
}

/** One line for a terminal of so many columns: name, bar, percent, bytes, rate, time left. What does not fit is left out from the end. */
export function drawProgress(name: string, samples: readonly ProgressSample[], columns: number): string {
  const last = samples.at(-1)
  if (last === undefined) return name.slice(0, columns)
  const rate = rateOf(samples)
  const share = last.total === 0 ? 1 : Math.min(1, last.received / last.total)
  const filled = Math.floor(share * barWidth)
  const parts = [
    name,
    `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${percentOf(last).toString().padStart(3)} %`,
    `${inBytes(last.received)} of ${inBytes(last.total)}`,
    ...(rate === undefined ? [] : [`${inBytes(rate)}/s`]),
    ...(rate === undefined || last.received >= last.total ? [] : [`${inTime((last.total - last.received) / rate)} left`])
  ]
  while (parts.length > 1 && parts.join('  ').length > columns) parts.pop()
  return parts.join('  ').slice(0, columns)
}

/** One line for a pipe or a log file. */
export function tellProgress(name: string, samples: readonly ProgressSample[]): string {
  const last = samples.at(-1)
  if (last === undefined) return name
  const rate = rateOf(samples)
  return `${name}: ${percentOf(last)} %, ${inBytes(last.received)} of ${inBytes(last.total)}${rate === undefined ? '' : `, ${inBytes(rate)}/s`}`
}

export type ProgressWriter = {
  update(name: string, received: number, total: number): void
  /** Ends the line on a terminal. */
  end(): void
}

/** Shows progress on a stream: one line that redraws itself on a terminal, a line each tenth in a pipe. */
export function createProgressWriter(
  stream: { write(text: string): unknown; isTTY?: boolean; columns?: number },
  now: () => number = () => performance.now()
): ProgressWriter {
  let current = ''
  let samples: ProgressSample[] = []
  let drawnAt = Number.NEGATIVE_INFINITY
  let toldTenth = -1
  let isLineOpen = false

  function end(): void {
    if (isLineOpen) stream.write('\n')
    isLineOpen = false
  }
  function update(name: string, received: number, total: number): void {
    // As long as nobody knows how much there is, there is nothing to show a share of.
    if (total === 0) return
    if (name !== current) {
      end()
      current = name
      samples = []
      toldTenth = -1
    }
    const sample = { received, total, at: now() }
    const previous = samples.at(-2)
    if (previous !== undefined && sample.at - previous.at < spacingMs) samples.pop()
    samples = [...samples.filter(({ at }) => sample.at - at <= windowMs), sample]
    const isWhole = received >= total
    if (stream.isTTY === true) {
      if (!isWhole && sample.at - drawnAt < redrawMs) return
      drawnAt = sample.at
      isLineOpen = true
      stream.write(`\r${drawProgress(name, samples, (stream.columns || 80) - 1)}\u001b[K`)
      return
    }
    const tenth = Math.floor(percentOf(sample) / 10)
    if (tenth <= toldTenth) return
    toldTenth = tenth
    stream.write(`${tellProgress(name, samples)}\n`)
  }
  return { update, end }
}

const windowMs = 5_000
/** Samples nearer than this to each other are one. */
const spacingMs = 50
const redrawMs = 100
const barWidth = 24

/** 100 only when all is there. */
function percentOf({ received, total }: ProgressSample): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((received / total) * 100))
}

function inBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`
}

function inTime(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
