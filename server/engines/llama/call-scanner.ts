import type { CallSyntax } from './tool-format.ts'

/** What stands at the beginning of the text: the head of a call, none (`no`), or too little text to tell (`more`). */
export type CallHead =
  | { state: 'more' }
  | { state: 'no' }
  /** `argumentsAt`: where the arguments object starts and streams from. */
  | { state: 'streaming'; name: string; argumentsAt: number }
  /** The call came whole, because its arguments stood before its name, as a string, or not at all. */
  | { state: 'whole'; name: string; argumentsText: string; end: number }

type Value = { end: number } | 'more' | 'no'

const knownKeys = new Set(['name', 'arguments', 'parameters', 'id', 'type'])

/** Reads the head of a call in `text` from `from` on, which is behind the marker (and behind `[` in a list). */
export function readCallHead(text: string, from: number, syntax: CallSyntax): CallHead {
  if (syntax.shape === 'named') return readNamedHead(text, from)
  let at = skipSpace(text, from)
  if (at === text.length) return { state: 'more' }
  if (text[at] !== '{') return { state: 'no' }
  at = skipSpace(text, at + 1)
  let name: string | undefined
  let argumentsText: string | undefined
  for (;;) {
    const key = scanString(text, at)
    if (typeof key === 'string') return { state: key }
    const keyName = parseString(text.slice(at, key.end))
    if (keyName === undefined || !knownKeys.has(keyName)) return { state: 'no' }
    at = skipSpace(text, key.end)
    if (at === text.length) return { state: 'more' }
    if (text[at] !== ':') return { state: 'no' }
    at = skipSpace(text, at + 1)
    if (at === text.length) return { state: 'more' }
    const isArguments = keyName === 'arguments' || keyName === 'parameters'
    if (isArguments && name !== undefined && text[at] === '{') {
      const inside = skipSpace(text, at + 1)
      if (inside === text.length) return { state: 'more' }
      return text[inside] === '"' || text[inside] === '}' ? { state: 'streaming', name, argumentsAt: at } : { state: 'no' }
    }
    const value = scanValue(text, at)
    if (typeof value === 'string') return { state: value }
    const raw = text.slice(at, value.end)
    if (keyName === 'name') name = parseString(raw)
    if (keyName === 'name' && !name) return { state: 'no' }
    if (isArguments) {
      argumentsText = toArguments(raw)
      if (argumentsText === undefined) return { state: 'no' }
    }
    at = skipSpace(text, value.end)
    if (at === text.length) return { state: 'more' }
    if (text[at] === '}') {
      if (name === undefined || (argumentsText === undefined && !syntax.argumentsOptional)) return { state: 'no' }
      return { state: 'whole', name, argumentsText: argumentsText ?? '{}', end: at + 1 }
    }
    if (text[at] !== ',') return { state: 'no' }
    at = skipSpace(text, at + 1)
  }
}

/** `name[ARGS]{…}`, also with `[CALL_ID]…` between the two. */
function readNamedHead(text: string, from: number): CallHead {
  const mark = '[ARGS]'
  const markAt = text.indexOf(mark, from)
  const head = text.slice(from, markAt < 0 ? text.length : markAt)
  if (!/^\s*[\w.-]{0,64}(\[[\w[\]]{0,80})?$/.test(head)) return { state: 'no' }
  if (markAt < 0) return { state: 'more' }
  const name = head.trim().replace(/\[.*$/, '')
  const at = skipSpace(text, markAt + mark.length)
  if (at === text.length) return { state: 'more' }
  return name === '' || text[at] !== '{' ? { state: 'no' } : { state: 'streaming', name, argumentsAt: at }
}

/** Arguments given as an object stand as they are; as a string that holds an object they are unpacked; null means none. */
function toArguments(raw: string): string | undefined {
  if (raw.startsWith('{')) return raw
  if (raw === 'null') return '{}'
  const text = raw.startsWith('"') ? parseString(raw)?.trim() : undefined
  return text?.startsWith('{') && isJson(text) ? text : undefined
}

export function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++
  return at
}

function scanString(text: string, from: number): Value {
  if (from >= text.length) return 'more'
  if (text[from] !== '"') return 'no'
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return { end: at + 1 }
  }
  return 'more'
}

function scanValue(text: string, from: number): Value {
  const first = text.charAt(from)
  if (first === '"') return scanString(text, from)
  if (first === '{' || first === '[') {
    const scan = createBraceScanner()
    const end = scan(text, from)
    return end === undefined ? 'more' : isJson(text.slice(from, end)) ? { end } : 'no'
  }
  const scalar = /^[\w.+-]*/.exec(text.slice(from))?.[0] ?? ''
  if (from + scalar.length === text.length) return 'more'
  return isJson(scalar) ? { end: from + scalar.length } : 'no'
}

/** Follows one JSON object or array over several texts. Each call scans `text` from `from` on; it returns the index behind the last brace, or undefined. */
export function createBraceScanner(): (text: string, from: number) => number | undefined {
  let depth = 0
  let inString = false
  let escaped = false
  return (text, from) => {
    for (let at = from; at < text.length; at++) {
      const char = text[at]
      if (escaped) escaped = false
      else if (inString) {
        if (char === '\\') escaped = true
        else if (char === '"') inString = false
      } else if (char === '"') inString = true
      else if (char === '{' || char === '[') depth++
      else if ((char === '}' || char === ']') && --depth === 0) return at + 1
    }
    return undefined
  }
}

function parseString(raw: string): string | undefined {
  try {
    const value: unknown = JSON.parse(raw)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
