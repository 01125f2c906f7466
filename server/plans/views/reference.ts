/** `$task1.total` → task and field; the field is everything after the first dot. Undefined: it is no reference. */
export function toReference(value: unknown): { task: string; field: string } | undefined {
  const match = typeof value === 'string' ? /^\$([^.]+)\.(.+)$/s.exec(value) : null
  return match === null ? undefined : { task: match[1] ?? '', field: match[2] ?? '' }
}
