/** How many waited and ran from a moment on. */
export type LoadSample = { at: number; waiting: number; running: number }
export type LoadSeries = 'waiting' | 'running'

/** Older ones are forgotten; a page stays open for days. */
export const keptMs = 15 * 60_000

/** With one sample more, unless nothing changed. The last one before the kept time stays: it holds until the next. */
export function addSample(samples: readonly LoadSample[], next: LoadSample): readonly LoadSample[] {
  const last = samples.at(-1)
  if (last !== undefined && last.waiting === next.waiting && last.running === next.running) return samples
  const firstKept = samples.findLastIndex(({ at }) => at <= next.at - keptMs)
  return [...samples.slice(Math.max(0, firstKept)), next]
}

/** From when on the samples tell, at most `keptMs` ago. */
export function startOf(samples: readonly LoadSample[], now: number): number {
  return Math.max(samples[0]?.at ?? now, now - keptMs)
}

/** The most there were in the time that is shown. */
export function mostOf(samples: readonly LoadSample[], series: LoadSeries, now: number): number {
  const from = startOf(samples, now)
  return Math.max(0, ...samples.filter(({ at }, i) => at >= from || (samples[i + 1]?.at ?? now) > from).map((sample) => sample[series]))
}

/** A line of steps in a picture of 100 × 100, for counts hold until they change. Empty as long as there is nothing to draw. */
export function stepPath(samples: readonly LoadSample[], series: LoadSeries, now: number): string {
  if (samples.length === 0) return ''
  const from = startOf(samples, now)
  const top = Math.max(1, mostOf(samples, series, now))
  const x = (at: number) => round(now === from ? 0 : (Math.max(0, at - from) / (now - from)) * 100)
  const y = (value: number) => round(100 - (value / top) * 100)
  const shown = samples.filter((_, i) => (samples[i + 1]?.at ?? from) >= from)
  const steps = shown.map((sample, i) => `${i === 0 ? 'M' : 'H'}${x(sample.at)}${i === 0 ? ` ${y(sample[series])}` : `V${y(sample[series])}`}`)
  return `${steps.join('')}H100`
}

/** A line through values at equal distances, in a picture of 100 × 100. Empty for fewer than two. */
export function linePath(values: readonly number[]): string {
  if (values.length < 2) return ''
  const top = Math.max(...values) || 1
  return values.map((value, i) => `${i === 0 ? 'M' : 'L'}${round((i / (values.length - 1)) * 100)} ${round(100 - (value / top) * 100)}`).join('')
}

const round = (value: number) => Math.round(value * 10) / 10
