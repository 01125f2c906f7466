import { type Automaton, joinRanges } from './automaton.ts'
import { type CharRange, charClass, literal, type RuleSet } from './gbnf.ts'

const quote = literal('"')

/**
 * One character of a JSON string, escaped or not; counts as one, as JSON Schema counts (code points).
 * Half surrogate pairs are left out: they are no Unicode, and become replacement characters on the way out.
 */
export function anyCharacter(rules: RuleSet): string {
  const hex = '[0-9a-fA-F]'
  const single = `${literal('u')} ([0-9a-cA-CefEF] ${hex} | [dD] [0-7]) ${hex} ${hex}`
  const pair = `${literal('u')} [dD] [89abAB] ${hex} ${hex} ${literal('\\u')} [dD] [c-fC-F] ${hex} ${hex}`
  const escaped = rules.add(`["\\\\/bfnrt] | ${single} | ${pair}`)
  return rules.add(`${charClass(plainCharacters)} | ${literal('\\')} ${escaped}`)
}

/** What may stand in a JSON string as it is. Written as what is allowed, so that no broken UTF-8 fits. */
const plainCharacters: readonly CharRange[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0x80, 0xd7ff],
  [0xe000, 0x10ffff]
]

/** Rule of the JSON strings, quotes included, whose value the automaton accepts. Every value has one spelling: `\/` or `\u0041` do not occur. */
export function automatonString(rules: RuleSet, automaton: Automaton): string {
  const names = automaton.edges.map((): string | undefined => undefined)
  const isLink = (state: number) => {
    const edges = automaton.edges[state] ?? []
    return !automaton.accepts[state] && edges.length === 1 && edges[0]?.from === edges[0]?.to && names[state] === undefined
  }
  const todo: number[] = []
  const reference = (state: number): string => {
    const known = names[state]
    if (known !== undefined) return known
    const name = rules.reserve()
    names[state] = name
    todo.push(state)
    return name
  }
  const start = reference(0)
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    const alternatives = automaton.accepts[state] ? [quote] : []
    for (const [target, ranges] of byTarget(automaton.edges[state] ?? [])) {
      const only = ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1] ? ranges[0]?.[0] : undefined
      if (only === undefined) {
        const characters = encoded(rules, ranges)
        if (characters !== undefined) alternatives.push(`${characters} ${reference(target)}`)
        continue
      }
      // A stretch without a choice becomes one literal.
      let text = String.fromCodePoint(only)
      let end = target
      const passed = new Set([end])
      while (isLink(end)) {
        const edge = automaton.edges[end]?.[0]
        if (edge === undefined || passed.has(edge.target)) break
        text += String.fromCodePoint(edge.from)
        end = edge.target
        passed.add(end)
      }
      alternatives.push(`${literal(JSON.stringify(text).slice(1, -1))} ${reference(end)}`)
    }
    rules.define(names[state] ?? '', alternatives.join(' | '))
  }
  return rules.add(`${quote} ${start}`)
}

function byTarget(edges: Automaton['edges'][number]): Map<number, CharRange[]> {
  const targets = new Map<number, CharRange[]>()
  for (const { from, to, target } of edges) targets.set(target, [...(targets.get(target) ?? []), [from, to]])
  return new Map([...targets].map(([target, ranges]) => [target, joinRanges(ranges)]))
}

/** One of these characters, in the form it has inside a JSON string. */
function encoded(rules: RuleSet, ranges: readonly CharRange[]): string | undefined {
  const has = (code: number) => ranges.some(([from, to]) => from <= code && code <= to)
  const plain = ranges.flatMap(([from, to]) =>
    plainCharacters.flatMap(([low, high]): CharRange[] => (from <= high && low <= to ? [[Math.max(from, low), Math.min(to, high)]] : []))
  )
  const alternatives = plain.length > 0 ? [charClass(plain)] : []
  const escapes = [0x22, 0x5c, 8, 9, 10, 12, 13].filter(has).map((code) => JSON.stringify(String.fromCharCode(code)).slice(2, -1))
  const rare = Array.from({ length: 32 }, (_, code) => code).filter((code) => has(code) && ![8, 9, 10, 12, 13].includes(code))
  if (escapes.length > 0) alternatives.push(`${literal('\\')} [${escapes.map((char) => (char === '\\' ? '\\\\' : char)).join('')}]`)
  for (const code of rare) alternatives.push(literal(`\\u${code.toString(16).padStart(4, '0')}`))
  if (has(0x7f)) alternatives.push(literal('\x7f'))
  return alternatives.length <= 1 ? alternatives[0] : rules.add(alternatives.join(' | '))
}
