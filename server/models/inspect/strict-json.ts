import { shown } from './gguf-header.ts'
import { WeightsError } from './weights-error.ts'

export type StrictJson = string | number | boolean | null | StrictJson[] | Map<string, StrictJson>

const deepest = 32

/**
 * Parses JSON from a stranger: an object with the same key twice is refused (readers differ in which one they take), nothing is built deeper than 32,
 * and a key like `__proto__` is only a key. Throws `WeightsError` in words that follow `what`.
 */
export function parseStrictJson(bytes: Buffer, what: string): StrictJson {
  let at = 0
  const fail = (reason: string): never => {
    throw new WeightsError(`has ${what} that ${reason} at byte ${at}`)
  }

  function space(): void {
    while (at < bytes.length && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++
  }

  function string(): string {
    const start = at++
    for (;;) {
      const byte = bytes[at]
      if (byte === undefined || byte < 0x20) return fail('ends inside a text, or has a control character in it')
      if (byte === 0x22) break
      at += byte === 0x5c ? 2 : 1
    }
    at++
    try {
      // The type of a JSON text is a string.
      return JSON.parse(bytes.toString('utf8', start, at)) as string
    } catch {
      return fail('has a wrong escape in a text')
    }
  }

  function literal(): number | boolean | null {
    const start = at
    while (at < bytes.length && /[-+.\w]/.test(String.fromCharCode(bytes[at] ?? 0))) at++
    const word = bytes.toString('latin1', start, at)
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null') return null
    if (word.length > 0 && word.length <= 64 && /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(word)) return Number(word)
    at = start
    return fail('is not JSON')
  }

  function list(depth: number): StrictJson[] {
    const items: StrictJson[] = []
    at++
    space()
    if (bytes[at] === 0x5d) at++
    else {
      for (;;) {
        items.push(value(depth))
        space()
        const byte = bytes[at++]
        if (byte === 0x5d) break
        if (byte !== 0x2c) fail('is not JSON')
      }
    }
    return items
  }

  function object(depth: number): Map<string, StrictJson> {
    const entries = new Map<string, StrictJson>()
    at++
    space()
    if (bytes[at] === 0x7d) at++
    else {
      for (;;) {
        space()
        if (bytes[at] !== 0x22) fail('is not JSON')
        const key = string()
        if (entries.has(key)) fail(`has the key ${shown(key)} twice`)
        space()
        if (bytes[at++] !== 0x3a) fail('is not JSON')
        entries.set(key, value(depth))
        space()
        const byte = bytes[at++]
        if (byte === 0x7d) break
        if (byte !== 0x2c) fail('is not JSON')
      }
    }
    return entries
  }

  function value(depth: number): StrictJson {
    if (depth > deepest) return fail(`is nested deeper than ${deepest}`)
    space()
    if (bytes[at] === 0x22) return string()
    if (bytes[at] === 0x7b) return object(depth + 1)
    if (bytes[at] === 0x5b) return list(depth + 1)
    return literal()
  }

  const whole = value(0)
  space()
  return at === bytes.length ? whole : fail('goes on after its end')
}
