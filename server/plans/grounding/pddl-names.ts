/** Names in PDDL: a letter, then letters, digits, `-` and `_`; upper and lower case are one. */
export type PddlNames = {
  /** A name nobody else has here: that of `text` where it is one, else the nearest that is. The same `key` gets the same name again. */
  name(key: string, text: string): string
}

export function createPddlNames(): PddlNames {
  const byKey = new Map<string, string>()
  const taken = new Set<string>()
  return {
    name(key, text) {
      const known = byKey.get(key)
      if (known !== undefined) return known
      const wanted = toPddlName(text)
      let name = wanted
      for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${wanted}_${number}`
      taken.add(name.toLowerCase())
      byKey.set(key, name)
      return name
    }
  }
}

/** Every character that a name cannot have becomes `_`. */
export function toPddlName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_-]/g, '_')
  return /^[A-Za-z]/.test(name) ? name : `v${name}`
}

/** The type of a field of task0, from its name alone. */
export function parameterType(name: string): string {
  const lower = name.toLowerCase()
  if (lower.endsWith('id')) return `${lower.slice(0, -2)}-id`
  if (lower.endsWith('status')) return `${lower.slice(0, -6)}-status`
  if (/location|address/.test(lower)) return 'location'
  if (/time|date/.test(lower)) return 'timestamp'
  if (/amount|price|cost/.test(lower)) return 'number'
  return `${lower}-value`
}
