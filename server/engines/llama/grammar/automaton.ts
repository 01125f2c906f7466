import type { CharRange } from './gbnf.ts'

/** A deterministic automaton over code points. Edges of a state do not overlap; where none fits, the text is not in the language. State 0 starts. */
export type Automaton = { edges: Edge[][]; accepts: boolean[] }
export type Edge = { from: number; to: number; target: number }

/** An automaton would get too large. */
export class TooManyStates extends Error {
  override readonly name = 'TooManyStates'
}

/** A state made of two numbers. */
type Pair = readonly [number, number]

export const lastCodePoint = 0x10ffff
const mostStates = 4000

export function accepts(automaton: Automaton, text: string): boolean {
  let state: number | undefined = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    state = automaton.edges[state]?.find((edge) => edge.from <= code && code <= edge.to)?.target
    if (state === undefined) return false
  }
  return automaton.accepts[state] === true
}

/** Exactly these words. */
export function wordAutomaton(words: Iterable<string>): Automaton {
  const automaton: Automaton = { edges: [[]], accepts: [false] }
  for (const word of words) {
    let state = 0
    for (const char of word) {
      const code = char.codePointAt(0) ?? 0
      const edges = automaton.edges[state] ?? []
      let target = edges.find((edge) => edge.from === code)?.target
      if (target === undefined) {
        target = automaton.edges.push([]) - 1
        automaton.accepts.push(false)
        edges.push({ from: code, to: code, target })
      }
      state = target
    }
    automaton.accepts[state] = true
  }
  return automaton
}

/** Every text that the automaton does not accept. */
export function complement(automaton: Automaton): Automaton {
  const sink = automaton.edges.length
  const edges = automaton.edges.map((own) => {
    const sorted = own.toSorted((a, b) => a.from - b.from)
    const filled: Edge[] = []
    let next = 0
    for (const edge of sorted) {
      if (edge.from > next) filled.push({ from: next, to: edge.from - 1, target: sink })
      filled.push(edge)
      next = edge.to + 1
    }
    if (next <= lastCodePoint) filled.push({ from: next, to: lastCodePoint, target: sink })
    return filled
  })
  edges.push([{ from: 0, to: lastCodePoint, target: sink }])
  return { edges, accepts: [...automaton.accepts.map((accept) => !accept), true] }
}

/** What both accept. Throws `TooManyStates`. */
export function intersect(a: Automaton, b: Automaton): Automaton {
  return explore(
    [0, 0] as Pair,
    ([left, right]) => `${left},${right}`,
    ([left, right]) => {
      const edges: { from: number; to: number; target: Pair }[] = []
      for (const one of a.edges[left] ?? []) {
        for (const two of b.edges[right] ?? []) {
          const from = Math.max(one.from, two.from)
          const to = Math.min(one.to, two.to)
          if (from <= to) edges.push({ from, to, target: [one.target, two.target] })
        }
      }
      return { edges, accept: a.accepts[left] === true && b.accepts[right] === true }
    }
  )
}

/** What it accepts of `least` to `most` characters (code points). Throws `TooManyStates`. */
export function withLength(automaton: Automaton, least: number, most: number): Automaton {
  const cap = most === Number.POSITIVE_INFINITY ? least : most
  return explore(
    [0, 0] as Pair,
    ([state, length]) => `${state},${length}`,
    ([state, length]) => ({
      edges:
        length >= most
          ? []
          : (automaton.edges[state] ?? []).map((edge) => ({
              from: edge.from,
              to: edge.to,
              target: [edge.target, Math.min(length + 1, cap)] as Pair
            })),
      accept: automaton.accepts[state] === true && length >= least
    })
  )
}

/** Builds the automaton of what is reachable from `start`, and drops states from which nothing is accepted. Throws `TooManyStates`. */
export function explore<State>(
  start: State,
  keyOf: (state: State) => string,
  step: (state: State) => { edges: { from: number; to: number; target: State }[]; accept: boolean }
): Automaton {
  const ids = new Map([[keyOf(start), 0]])
  const states = [start]
  const automaton: Automaton = { edges: [], accepts: [] }
  for (let id = 0; id < states.length; id++) {
    // The loop bound says that the state is there.
    const { edges, accept } = step(states[id] as State)
    automaton.accepts[id] = accept
    automaton.edges[id] = edges.map(({ from, to, target }) => {
      const key = keyOf(target)
      let targetId = ids.get(key)
      if (targetId === undefined) {
        targetId = states.push(target) - 1
        if (targetId >= mostStates) throw new TooManyStates()
        ids.set(key, targetId)
      }
      return { from, to, target: targetId }
    })
  }
  return withoutDeadEnds(automaton)
}

function withoutDeadEnds(automaton: Automaton): Automaton {
  const sources = automaton.edges.map((): number[] => [])
  automaton.edges.forEach((edges, state) => {
    for (const edge of edges) sources[edge.target]?.push(state)
  })
  const alive = new Set<number>()
  const todo = automaton.accepts.flatMap((accept, state) => (accept ? [state] : []))
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    if (alive.has(state)) continue
    alive.add(state)
    todo.push(...(sources[state] ?? []))
  }
  return { accepts: automaton.accepts, edges: automaton.edges.map((edges) => edges.filter((edge) => alive.has(edge.target))) }
}

/** Whether it accepts nothing at all. Only for automata made by `explore`. */
export function isEmpty(automaton: Automaton): boolean {
  return automaton.accepts[0] !== true && automaton.edges[0]?.length === 0
}

/** Sorted, overlaps joined. */
export function joinRanges(ranges: readonly CharRange[]): CharRange[] {
  const joined: [number, number][] = []
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined
}

export function invertRanges(ranges: readonly CharRange[]): CharRange[] {
  const inverted: CharRange[] = []
  let next = 0
  for (const [from, to] of joinRanges(ranges)) {
    if (from > next) inverted.push([next, from - 1])
    next = to + 1
  }
  if (next <= lastCodePoint) inverted.push([next, lastCodePoint])
  return inverted
}
