/** Whether it is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a reference within a document (`#/components/schemas/Order`) stands for; undefined: nothing is there. */
export function atPointer(root: unknown, reference: string): unknown {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let value = root
  for (const part of reference.slice(2).split('/')) {
    const name = decode(part).replaceAll('~1', '/').replaceAll('~0', '~')
    const known = Array.isArray(value) ? /^\d+$/.test(name) : isObject(value) && Object.hasOwn(value, name)
    if (!known) return undefined
    value = (value as Record<string, unknown>)[name] // It has it, by the line above.
  }
  return value
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
