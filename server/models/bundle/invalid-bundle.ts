import { AppError } from '../../errors.ts'

const longest = 600

/** A bundle that cannot be taken. What a stranger wrote ends up in a terminal with it: without control characters, and not at any length. */
export function invalidBundle(what: string, cause?: unknown): AppError {
  const text = what.replace(/[\p{Cc}\p{Cf}]/gu, '?')
  return new AppError('bundle_invalid', `${text.length > longest ? `${text.slice(0, longest)}…` : text}.`, { cause })
}
