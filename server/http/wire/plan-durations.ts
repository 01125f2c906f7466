import { AppError } from '../../errors.ts'

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
/** Longer would overflow a timer. */
const mostMs = 2_147_483_647

/**
 * A duration of the plan engine's clients in milliseconds, rounded up: Go's text form (`1h30m`), a number of nanoseconds, or
 * `{"Duration": nanoseconds}`. Throws `invalid_request` naming the field.
 */
export function readDurationMs(value: unknown, field: string): number {
  const milliseconds = Math.ceil(typeof value === 'string' ? ofText(value) : ofNanoseconds(value))
  if (milliseconds >= 0 && milliseconds <= mostMs) return milliseconds
  throw new AppError('invalid_request', `${field} must be a duration such as "45s" or "1h30m", got ${JSON.stringify(value)?.slice(0, 100)}`, {
    param: field
  })
}

/** Nanoseconds in Go's text form: `1m30s`, `1h0m0s`, `500ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  if (nanoseconds < 1000) return `${nanoseconds}ns`
  if (nanoseconds < 1e6) return `${nanoseconds / 1000}µs`
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`
  const seconds = nanoseconds / 1e9
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds / 60) % 60)
  const rest = `${Number((seconds % 60).toFixed(9))}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}

function ofText(text: string): number {
  if (!/^\+?(\d+\.?\d*(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return Number.NaN
  let total = 0
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+\.?\d*)(ns|us|µs|μs|ms|s|m|h)/g)) total += Number(number) * (units[unit] ?? Number.NaN)
  return total
}

function ofNanoseconds(value: unknown): number {
  if (typeof value === 'number') return value / 1e6
  if (typeof value !== 'object' || value === null) return Number.NaN
  const inner = Object.entries(value).find(([key]) => key.toLowerCase() === 'duration')?.[1]
  return typeof inner === 'number' ? inner / 1e6 : Number.NaN
}
