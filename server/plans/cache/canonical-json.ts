import type { Json } from '#contracts/plan.ts'

/** JSON with its keys in order, so that equal values are equal texts. Keys whose value is undefined are left out, as in JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value))
}

/** A value as people write it: strings bare, everything else as canonical JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  // Pairs instead of assignments: a key may be `__proto__`. Whole numbers come first in any object, in either order of insertion.
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)])
  )
}
