import { type Automaton, complement, explore, intersect, invertRanges, joinRanges, lastCodePoint, TooManyStates } from './automaton.ts'
import type { CharRange } from './gbnf.ts'

/** The pattern is not regular, or too large; the message says what of it. */
export class UnsupportedPattern extends Error {
  override readonly name = 'UnsupportedPattern'
}

type Node =
  | { kind: 'chars'; ranges: readonly CharRange[] }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'choice'; items: Node[] }
  | { kind: 'repeat'; item: Node; least: number; most: number }
  | { kind: 'start' }
  | { kind: 'end' }

type Lookahead = { negative: boolean; item: Node }

const mostNodes = 5000
const compiled = new Map<string, Automaton>()

/**
 * The texts in which an ECMAScript pattern (flag `u`, as JSON Schema has it) finds a match, as an automaton; so matching takes linear
 * time whatever the pattern. Look-aheads only at the beginning, behind `^`. Throws `UnsupportedPattern`.
 */
export function compilePattern(pattern: string): Automaton {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  if (pattern.length > 5000) throw new UnsupportedPattern('it is longer than 5000 characters')
  const automaton = build(pattern)
  if (compiled.size >= 100) compiled.clear()
  compiled.set(pattern, automaton)
  return automaton
}

function build(pattern: string): Automaton {
  try {
    new RegExp(pattern, 'u')
  } catch (error) {
    throw new UnsupportedPattern((error as Error).message)
  }
  try {
    const { root, lookaheads } = parse(pattern)
    let automaton = toAutomaton(root)
    for (const { negative, item } of lookaheads) {
      const ahead = toAutomaton({ kind: 'sequence', items: [{ kind: 'start' }, item] })
      automaton = intersect(automaton, negative ? complement(ahead) : ahead)
    }
    return automaton
  } catch (error) {
    if (error instanceof TooManyStates) throw new UnsupportedPattern('it needs too many states')
    throw error
  }
}

const digit: CharRange[] = [[48, 57]]
const word: CharRange[] = [[48, 57], [65, 90], [95, 95], [97, 122]] // biome-ignore format: a table
const space: CharRange[] = [[9, 13], [32, 32], [160, 160], [0x1680, 0x1680], [0x2000, 0x200a], [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff]] // biome-ignore format: a table
const lineEnds: CharRange[] = [[10, 10], [13, 13], [0x2028, 0x2029]] // biome-ignore format: a table
const classes: Record<string, CharRange[]> = {
  d: digit,
  D: invertRanges(digit),
  w: word,
  W: invertRanges(word),
  s: space,
  S: invertRanges(space)
}
const controls: Record<string, number> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 }

/** The pattern is a valid one of ECMAScript: only what is regular must be told from what is not. */
function parse(pattern: string): { root: Node; lookaheads: Lookahead[] } {
  const chars = Array.from(pattern)
  const lookaheads: Lookahead[] = []
  let at = 0
  let depth = 0

  function choice(): Node {
    if (++depth > 100) throw new UnsupportedPattern('its groups are nested too deeply')
    const items = [sequence()]
    while (chars[at] === '|') {
      at++
      items.push(sequence())
    }
    depth--
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'choice', items }
  }

  function sequence(): Node {
    const items: Node[] = []
    while (at < chars.length && chars[at] !== '|' && chars[at] !== ')') {
      items.push(repeated(atom()))
    }
    return { kind: 'sequence', items }
  }

  function atom(): Node {
    const char = chars[at++] ?? ''
    if (char === '^') return { kind: 'start' }
    if (char === '$') return { kind: 'end' }
    if (char === '.') return { kind: 'chars', ranges: invertRanges(lineEnds) }
    if (char === '[') return { kind: 'chars', ranges: classRanges() }
    if (char === '\\') return { kind: 'chars', ranges: escaped(false) }
    if (char === '(') return group()
    return { kind: 'chars', ranges: [[char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]] }
  }

  function group(): Node {
    if (chars[at] === '?') {
      const mark = chars[at + 1]
      if (mark === ':') at += 2
      else if (mark === '=' || mark === '!') throw new UnsupportedPattern('it has a look-ahead that is not at the beginning, behind ^')
      else if (mark === '<' && chars[at + 2] !== '=' && chars[at + 2] !== '!') at = chars.indexOf('>', at) + 1
      else throw new UnsupportedPattern(mark === '<' ? 'it has a look-behind' : 'it has flags inside')
    }
    const item = choice()
    at++
    return item
  }

  function repeated(item: Node): Node {
    let result = item
    const match = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(chars.slice(at, at + 24).join(''))
    if (match !== null) {
      at += match[0].length
      if (chars[at] === '?') at++
      const [text, low, comma, high] = match
      const least = low === undefined ? (text === '+' ? 1 : 0) : Number(low)
      const most =
        low === undefined
          ? text === '?'
            ? 1
            : Number.POSITIVE_INFINITY
          : comma === ''
            ? least
            : high === ''
              ? Number.POSITIVE_INFINITY
              : Number(high)
      result = { kind: 'repeat', item, least, most }
    }
    return result
  }

  function classRanges(): CharRange[] {
    const negated = chars[at] === '^'
    if (negated) at++
    const ranges: CharRange[] = []
    while (chars[at] !== ']') {
      const from = classMember()
      if (chars[at] === '-' && chars[at + 1] !== ']' && from.length === 1 && from[0]?.[0] === from[0]?.[1]) {
        at++
        const to = classMember()
        ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? 0])
      } else ranges.push(...from)
    }
    at++
    return negated ? invertRanges(ranges) : joinRanges(ranges)
  }

  function classMember(): readonly CharRange[] {
    const char = chars[at++] ?? ''
    if (char === '\\') return escaped(true)
    const code = char.codePointAt(0) ?? 0
    return [[code, code]]
  }

  function escaped(inClass: boolean): readonly CharRange[] {
    const char = chars[at++] ?? ''
    const shorthand = classes[char]
    if (shorthand !== undefined) return shorthand
    if (/[1-9k]/.test(char)) throw new UnsupportedPattern('it refers back to a group')
    if (/[pP]/.test(char)) throw new UnsupportedPattern(`it has a Unicode property (\\${char})`)
    if (/[bB]/.test(char) && !inClass) throw new UnsupportedPattern(`it has a word boundary (\\${char})`)
    const rest = chars.slice(at, at + 10).join('')
    const hex =
      char === 'x' ? /^([0-9a-fA-F]{2})/.exec(rest) : char === 'u' ? (/^\{([0-9a-fA-F]+)\}/.exec(rest) ?? /^([0-9a-fA-F]{4})/.exec(rest)) : null
    let code = controls[char] ?? char.codePointAt(0) ?? 0
    if (hex !== null) {
      at += hex[0].length
      code = Number.parseInt(hex[1] ?? '', 16)
      if (code >= 0xd800 && code <= 0xdfff) throw new UnsupportedPattern('it has half a surrogate pair')
    } else if (char === 'c') code = (chars[at++]?.codePointAt(0) ?? 0) % 32
    else if (char === 'b') code = 8
    return [[code, code]]
  }

  if (!/^\^\(\?[=!]/.test(pattern)) return { root: choice(), lookaheads }
  at = 1
  while (chars[at] === '(' && chars[at + 1] === '?' && (chars[at + 2] === '=' || chars[at + 2] === '!')) {
    const negative = chars[at + 2] === '!'
    at += 3
    lookaheads.push({ negative, item: choice() })
    at++
  }
  const rest = choice()
  if (rest.kind === 'choice') throw new UnsupportedPattern('it has a look-ahead in only one of its alternatives')
  return { root: { kind: 'sequence', items: [{ kind: 'start' }, rest] }, lookaheads }
}

/** States of a nondeterministic automaton. `jump` needs no character; `only` says where in the text it may be taken. */
type State = { chars?: { ranges: readonly CharRange[]; target: number }; jumps: { target: number; only?: 'start' | 'end' }[] }

function toAutomaton(root: Node): Automaton {
  const states: State[] = []
  const state = (): number => {
    if (states.length >= mostNodes) throw new UnsupportedPattern('it is too large')
    return states.push({ jumps: [] }) - 1
  }
  const jump = (from: number, target: number, only?: 'start' | 'end') => states[from]?.jumps.push(only === undefined ? { target } : { target, only })
  const read = (from: number, ranges: readonly CharRange[], target: number) => {
    const source = states[from]
    if (source !== undefined) source.chars = { ranges, target }
  }
  /** Adds what leads from `from` through `node`, and returns where it comes out. */
  const add = (node: Node, from: number): number => {
    const out = state()
    if (node.kind === 'chars') read(from, node.ranges, out)
    else if (node.kind === 'start' || node.kind === 'end') jump(from, out, node.kind)
    else if (node.kind === 'sequence')
      jump(
        node.items.reduce((at, item) => add(item, enter(at)), from),
        out
      )
    else if (node.kind === 'choice') for (const item of node.items) jump(add(item, enter(from)), out)
    else {
      let at = from
      for (let count = 0; count < node.least; count++) at = add(node.item, enter(at))
      if (node.most === Number.POSITIVE_INFINITY) {
        const loop = enter(at)
        jump(add(node.item, enter(loop)), loop)
        jump(loop, out)
      } else {
        for (let count = node.least; count < node.most; count++) {
          jump(at, out)
          at = add(node.item, enter(at))
        }
        jump(at, out)
      }
    }
    return out
  }
  const enter = (from: number): number => {
    const target = state()
    jump(from, target)
    return target
  }

  // A match may lie anywhere: any text before it, any text behind it.
  const anything: CharRange[] = [[0, lastCodePoint]]
  const before = state()
  const loop = state()
  jump(before, loop)
  read(loop, anything, before)
  const found = add(root, enter(before))
  const final = enter(found)
  read(final, anything, final)

  const closure = (from: readonly number[], atStart: boolean, atEnd: boolean): number[] => {
    const seen = new Set(from)
    const todo = [...from]
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      for (const { target, only } of states[id]?.jumps ?? []) {
        if (seen.has(target) || (only === 'start' && !atStart) || (only === 'end' && !atEnd)) continue
        seen.add(target)
        todo.push(target)
      }
    }
    // Once found, always found: what else may still match makes no difference.
    return seen.has(final) ? [final] : [...seen].sort((a, b) => a - b)
  }

  return explore(
    { ids: closure([before], true, false), atStart: true },
    ({ ids, atStart }) =>
      `${atStart}:${ids.filter((id) => states[id]?.chars !== undefined || states[id]?.jumps.some(({ only }) => only !== undefined)).join(',')}`,
    ({ ids, atStart }) => {
      const reads = ids.flatMap((id) => states[id]?.chars ?? [])
      const cuts = new Set(reads.flatMap(({ ranges }) => ranges.flatMap(([from, to]) => [from, to + 1])))
      const edges: { from: number; to: number; target: { ids: number[]; atStart: boolean } }[] = []
      const sorted = [...cuts].sort((a, b) => a - b)
      for (const [index, from] of sorted.entries()) {
        const next = sorted[index + 1]
        if (next === undefined) break
        const targets = reads.filter(({ ranges }) => ranges.some(([low, high]) => low <= from && from <= high)).map(({ target }) => target)
        if (targets.length > 0) edges.push({ from, to: next - 1, target: { ids: closure(targets, false, false), atStart: false } })
      }
      return { edges, accept: closure(ids, atStart, true).includes(final) }
    }
  )
}
