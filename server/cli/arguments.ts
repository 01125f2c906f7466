import { UsageError } from './usage-error.ts'

/** Exactly one positional argument. Throws `UsageError`. */
export function oneArgument(positionals: string[], name: string): string {
  const [value, ...more] = positionals
  if (value === undefined || value === '') throw new UsageError(`${name} is missing`)
  if (more.length > 0) throw new UsageError(`one ${name} is wanted, got ${positionals.length}: ${positionals.join(' ')}`)
  return value
}

/** A number option within its bounds; undefined where it was not given. Throws `UsageError`. */
export function numberOption(name: string, given: string | undefined, bounds: { min: number; max: number; whole?: boolean }): number | undefined {
  if (given === undefined) return undefined
  const value = given.trim() === '' ? Number.NaN : Number(given)
  if (value >= bounds.min && value <= bounds.max && (bounds.whole !== true || Number.isInteger(value))) return value
  throw new UsageError(`--${name} must be ${bounds.whole ? 'a whole number ' : ''}${bounds.min}–${bounds.max}, got ${JSON.stringify(given)}`)
}

/** One of several words. Throws `UsageError`. */
export function choiceOption<Choice extends string>(name: string, given: string | undefined, choices: readonly Choice[]): Choice | undefined {
  if (given === undefined) return undefined
  const choice = choices.find((known) => known === given)
  if (choice === undefined) throw new UsageError(`--${name} must be ${choices.join(' or ')}, got ${JSON.stringify(given)}`)
  return choice
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** A length of time, such as 500ms, 30s, 1m30s or 2h, in milliseconds; undefined where it was not given. Throws `UsageError`. */
export function durationOption(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(given)) throw new UsageError(`--${name} must be a time such as 30s or 1m30s, got ${JSON.stringify(given)}`)
  let total = 0
  for (const [, count, unit] of given.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) total += Number(count) * unitMs[unit as keyof typeof unitMs] // By the expression.
  return Math.round(total)
}
