/** JSON with its keys in order, so that equal values are equal texts. Keys whose value is undefined are left out, as in JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(ordered(value))
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  // Keys that look like numbers come first in an object, whatever the order. Without a prototype, "__proto__" is a key like any other.
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, inner] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) copy[key] = ordered(inner)
  return copy
}
