import { literal, type RuleSet } from './gbnf.ts'

/** Bounds of a number; those at infinity do not bind. */
export type NumberBounds = {
  integer: boolean
  least: number
  most: number
  /** The bound itself is not allowed. */
  aboveLeast: boolean
  belowMost: boolean
  /** Each must divide it. Held where it is a whole number up to 64, or 0.1, 0.01 …; else left to the check. */
  multipleOf: readonly number[]
}

/** Digits of a number without bounds: exact in a double, so the value read back is the value written. */
const integerDigits = 15
const fractionDigits = 15
/** The largest divisor whose remainders are followed digit by digit. */
const largestDivisor = 64

/** Expression for the numbers within the bounds, or null when there is none. Bounded numbers have no exponent. */
export function numberRule(rules: RuleSet, bounds: NumberBounds): string | null {
  const { integer, least, most } = bounds
  if (least > most || (least === most && (bounds.aboveLeast || bounds.belowMost))) return null
  const places = integer ? 0 : decimalPlaces(bounds.multipleOf)
  const divisor = bounds.multipleOf.find((value) => Number.isInteger(value) && value > 1 && value <= largestDivisor) ?? 1
  const whole = integer || bounds.multipleOf.some(Number.isInteger)
  if (least === Number.NEGATIVE_INFINITY && most === Number.POSITIVE_INFINITY && divisor === 1) {
    if (whole) return rules.add(`"-"? ("0" | [1-9] ${digits(rules, 0, integerDigits - 1)})`)
    const fraction = `("." ${digits(rules, 1, Math.min(places, fractionDigits))})?`
    const exponent = places < fractionDigits ? '' : ` ([eE] [-+]? [0-9] [0-9]?)?`
    return rules.add(`"-"? ("0" | [1-9] ${digits(rules, 0, integerDigits - 1)}) ${fraction}${exponent}`)
  }
  const fraction = whole ? 0 : Math.min(places, fractionDigits)
  const positive = magnitude(rules, { low: least, high: most, aboveLow: bounds.aboveLeast, belowHigh: bounds.belowMost }, fraction, divisor, true)
  const negative = magnitude(rules, { low: -most, high: -least, aboveLow: bounds.belowMost, belowHigh: bounds.aboveLeast }, fraction, divisor, false)
  const alternatives = [...(positive === null ? [] : [positive]), ...(negative === null ? [] : [`"-" ${negative}`])]
  return alternatives.length === 0 ? null : rules.add(alternatives.join(' | '))
}

/** 0.01 → 2: places after the point that a power of ten allows; as many as there are for every other divisor. */
function decimalPlaces(multipleOf: readonly number[]): number {
  const places = multipleOf.flatMap((value) => {
    const place = Math.round(-Math.log10(value))
    return place >= 0 && Math.abs(value - 10 ** -place) < 1e-20 ? [place] : []
  })
  return Math.min(fractionDigits, ...places)
}

function digits(rules: RuleSet, least: number, most: number): string {
  let rest = ''
  for (let count = most; count > least; count--) rest = rest === '' ? '[0-9]?' : `([0-9] ${rules.add(rest)})?`
  return `${'[0-9] '.repeat(least)}${rest}`.trim() || '""'
}

type Span = { low: number; high: number; aboveLow: boolean; belowHigh: boolean }

/** The unsigned numbers of a span, written without superfluous zeros in front. */
function magnitude(rules: RuleSet, span: Span, fraction: number, divisor: number, zero: boolean): string | null {
  if (span.high < 0) return null
  const low = Math.max(span.low, 0)
  const aboveLow = span.low < 0 ? false : span.aboveLow
  const lowText = decimal(low)
  const highText = span.high === Number.POSITIVE_INFINITY ? null : decimal(span.high)
  const mostDigits = highText?.whole.length ?? Math.max(integerDigits, lowText.whole.length + 1)
  const alternatives: string[] = []
  for (let length = lowText.whole.length; length <= mostDigits; length++) {
    const follows: Follow = {
      low: length === lowText.whole.length ? lowText : null,
      high: highText !== null && length === highText.whole.length ? highText : null,
      aboveLow,
      belowHigh: span.belowHigh,
      length,
      fraction,
      divisor,
      zero
    }
    const rule = digitRule(rules, follows, 0, true, true, 0, new Map())
    if (rule !== null) alternatives.push(rule)
  }
  return alternatives.length === 0 ? null : rules.add(alternatives.join(' | '))
}

type Decimal = { whole: string; fraction: string }
type Follow = {
  low: Decimal | null
  high: Decimal | null
  aboveLow: boolean
  belowHigh: boolean
  length: number
  fraction: number
  divisor: number
  zero: boolean
}

/**
 * The digits from position `at` on. `onLow`, `onHigh`: all digits so far are those of the bound, so the next one is bound by it, too.
 * `remainder`: of the digits so far, by the divisor. Positions count on through the fraction.
 */
function digitRule(
  rules: RuleSet,
  follow: Follow,
  at: number,
  onLow: boolean,
  onHigh: boolean,
  remainder: number,
  memo: Map<string, string | null>
): string | null {
  const tightLow = onLow && follow.low !== null
  const tightHigh = onHigh && follow.high !== null
  const key = `${at},${tightLow},${tightHigh},${remainder}`
  const known = memo.get(key)
  if (known !== undefined) return known
  const alternatives: string[] = []
  if (at >= follow.length && mayEnd(follow, at, tightLow, tightHigh, remainder)) alternatives.push('""')
  if (at < follow.length + follow.fraction) {
    const from = tightLow ? digitAt(follow.low, at, follow.length) : 0
    const to = tightHigh ? digitAt(follow.high, at, follow.length) : 9
    const byRest = new Map<string, number[]>()
    for (let digit = at === 0 && follow.length > 1 ? Math.max(1, from) : from; digit <= to; digit++) {
      const nextRemainder = at < follow.length ? (remainder * 10 + digit) % follow.divisor : remainder
      const rest = digitRule(rules, follow, at + 1, tightLow && digit === from, tightHigh && digit === to, nextRemainder, memo)
      if (rest !== null) byRest.set(rest, [...(byRest.get(rest) ?? []), digit])
    }
    const point = at === follow.length ? '"." ' : ''
    for (const [rest, group] of byRest) alternatives.push(`${point}[${group.join('')}]${rest === '""' ? '' : ` ${rest}`}`)
  }
  const only = alternatives[0]
  const result =
    only === undefined ? null : alternatives.length === 1 && (only === '""' || only.length < 20) ? only : rules.add(alternatives.join(' | '))
  memo.set(key, result)
  return result
}

function mayEnd(follow: Follow, at: number, tightLow: boolean, tightHigh: boolean, remainder: number): boolean {
  if (remainder !== 0) return false
  const rest = (bound: Decimal | null) => /[1-9]/.test(bound?.fraction.slice(at - follow.length) ?? '')
  if (tightLow && (rest(follow.low) || follow.aboveLow)) return false
  if (tightHigh && follow.belowHigh && !rest(follow.high)) return false
  // -0 is avoided where zero is there without a sign.
  return follow.zero || !(tightLow && follow.low?.whole === '0' && !/[1-9]/.test(follow.low.fraction))
}

function digitAt(bound: Decimal | null, at: number, length: number): number {
  return Number((at < length ? bound?.whole[at] : bound?.fraction[at - length]) ?? 0)
}

/** The exact digits of a finite number ≥ 0 as JSON writes it, without an exponent. */
function decimal(value: number): Decimal {
  const [mantissa = '0', exponentText = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const exponent = Number(exponentText)
  if (exponent >= 0) {
    const moved = fraction.padEnd(exponent, '0')
    return { whole: `${whole}${moved.slice(0, exponent)}`.replace(/^0+(?=\d)/, ''), fraction: moved.slice(exponent) }
  }
  return { whole: '0', fraction: `${'0'.repeat(-exponent - 1)}${whole}${fraction}` }
}

/** A number with its fixed spelling. */
export function numberLiteral(value: number): string {
  return literal(JSON.stringify(value))
}
