import { AppError } from '../../errors.ts'

/** Nanoseconds of each unit, the larger ones first where a shorter name begins a longer one. */
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, the micro sign
  μs: 1_000n, // U+03BC, the Greek letter
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n
}
const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
/** What a signed 64-bit count of nanoseconds can hold. */
const most = 2n ** 63n - 1n
/** Longer would overflow a timer. */
const mostMs = 2_147_483_647

/**
 * A duration as clients of the plan protocol write it: Go's text form (`1h30m`, `1.5s`), a number of nanoseconds, or the older
 * `{"Duration": nanoseconds}`. Nanoseconds; undefined: it is none of these. Source: Go, `time.ParseDuration`.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'string') return parseText(value)
  if (typeof value === 'number') return inRange(Math.trunc(value))
  if (typeof value !== 'object' || value === null) return undefined
  const inner = Object.entries(value).find(([key]) => key.toLowerCase() === 'duration')?.[1]
  return typeof inner === 'number' && Number.isInteger(inner) ? inRange(inner) : undefined
}

/** The same in milliseconds, rounded up. Throws `invalid_request` naming the field. */
export function readDurationMs(value: unknown, field: string): number {
  const nanoseconds = parseDuration(value)
  const got = JSON.stringify(value)?.slice(0, 100)
  if (nanoseconds === undefined) {
    throw new AppError('invalid_request', `${field} must be a duration such as "45s" or "1h30m", or a number of nanoseconds, got ${got}`, {
      param: field
    })
  }
  const milliseconds = Math.ceil(nanoseconds / 1_000_000)
  if (nanoseconds < 0 || milliseconds > mostMs) {
    throw new AppError('invalid_request', `${field} must be between 0s and ${formatDuration(mostMs * 1_000_000)}, got ${got}`, { param: field })
  }
  return milliseconds
}

/** Nanoseconds in Go's text form: `1m30s`, `1h0m0s`, `500ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  const total = BigInt(Math.trunc(nanoseconds))
  const sign = total < 0n ? '-' : ''
  const length = total < 0n ? -total : total
  if (length === 0n) return '0s'
  if (length < 1_000n) return `${sign}${length}ns`
  if (length < 1_000_000n) return `${sign}${decimal(length, 1_000n)}µs`
  if (length < 1_000_000_000n) return `${sign}${decimal(length, 1_000_000n)}ms`
  const hours = length / 3_600_000_000_000n
  const minutes = (length / 60_000_000_000n) % 60n
  const seconds = `${decimal(length % 60_000_000_000n, 1_000_000_000n)}s`
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

function parseText(text: string): number | undefined {
  const isNegative = text.startsWith('-')
  const unsigned = /^[-+]/.test(text) ? text.slice(1) : text
  if (unsigned === '0') return 0
  // Nobody means a number of so many digits, and reading it would take long.
  if (unsigned.length > 200) return undefined
  let total = 0n
  part.lastIndex = 0
  while (part.lastIndex < unsigned.length || unsigned === '') {
    const [, whole = '', fraction = '', unit = ''] = part.exec(unsigned) ?? []
    const size = units[unit]
    if (size === undefined || (whole === '' && fraction === '')) return undefined
    total += BigInt(whole) * size + (BigInt(fraction) * size) / 10n ** BigInt(fraction.length)
    if (total > most) return undefined
  }
  return total === 0n ? 0 : Number(isNegative ? -total : total)
}

function inRange(value: number): number | undefined {
  // -0 is written as 0 everywhere else.
  return Math.abs(value) <= Number(most) ? value + 0 : undefined
}

function decimal(value: bigint, unit: bigint): string {
  const rest = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '')
  return rest === '' ? `${value / unit}` : `${value / unit}.${rest}`
}
