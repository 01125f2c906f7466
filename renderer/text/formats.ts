import type { Language } from './languages.ts'

/** Numbers, sizes and times as a language writes them. */
export type Formats = {
  /** `1,234` */
  number(value: number): string
  /** `61K` */
  compact(value: number): string
  /** `43 %` */
  percent(value: number): string
  /** Of bytes: `98.4 MB`. */
  size(bytes: number): string
  /** `12.3 MB/s` */
  rate(bytesPerSecond: number): string
  /** The largest unit that says enough: `850 ms`, `12 s`, `3 min`, `2 hr`. */
  duration(ms: number): string
  /** `24 Nov 2026, 17:10` */
  time(unixMs: number): string
}

const sizes = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const

export function createFormats(language: Language): Formats {
  const number = new Intl.NumberFormat(language)
  const compact = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 0 })
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 })
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const units = new Map<string, Intl.NumberFormat>()
  const unit = (name: string, digits: number) => {
    const key = `${name} ${digits}`
    const known =
      units.get(key) ?? new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits })
    units.set(key, known)
    return known
  }
  const sized = (bytes: number, suffix = '') => {
    const step = Math.min(sizes.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
    const value = bytes / 1000 ** step
    return unit(`${sizes[step]}${suffix}`, value < 100 && step > 0 ? 1 : 0).format(value)
  }
  return {
    number: (value) => number.format(value),
    compact: (value) => compact.format(value),
    percent: (value) => percent.format(value / 100),
    size: (bytes) => sized(bytes),
    rate: (bytes) => sized(bytes, '-per-second'),
    duration(ms) {
      if (ms < 1000) return unit('millisecond', 0).format(ms)
      if (ms < 90_000) return unit('second', 0).format(ms / 1000)
      if (ms < 5_400_000) return unit('minute', 0).format(ms / 60_000)
      return unit('hour', 1).format(ms / 3_600_000)
    },
    time: (unixMs) => time.format(unixMs)
  }
}
