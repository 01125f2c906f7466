/**
 * llama.cpp's grammar notation (GBNF), written so that its matcher stays fast and safe:
 * - no `{m,n}`: beyond 2,000 llama.cpp turns it into "any number" without a word, so repetitions are rules of our own;
 * - no left recursion, and each rule that a rule starts with is not nullable: its search for left recursion is exponential otherwise;
 * - few alternatives that start alike, because each is a stack that is tried with the whole vocabulary.
 */
export type RuleSet = {
  /** Adds a rule under a fresh name, or finds the one with the same body; returns its name. */
  add(body: string): string
  /** A fresh name, for rules that refer to themselves; `define` must follow. */
  reserve(): string
  define(name: string, body: string): void
  /** All rules as text, one a line, `root` first. */
  print(): string
}

/** Total characters of one schema's rules. llama.cpp parses 1 MB in about 0.1 s, and keeps about 15 times as many bytes. */
const largestGrammar = 1_000_000

/** Rule names are `prefix` for the root and `prefix-<n>` for the rest. `tooLarge` throws. */
export function createRuleSet(prefix: string, tooLarge: (reason: string) => never): RuleSet {
  const bodies = new Map<string, string>()
  const names = new Map<string, string>()
  let size = 0
  let count = 0
  const define = (name: string, body: string) => {
    size += name.length + body.length
    if (size > largestGrammar) tooLarge(`its grammar is over ${largestGrammar} characters`)
    bodies.set(name, body)
  }
  const reserve = () => `${prefix}-${count++}`
  return {
    add(body) {
      const known = names.get(body)
      if (known !== undefined) return known
      const name = reserve()
      names.set(body, name)
      define(name, body)
      return name
    },
    reserve,
    define,
    print() {
      const root = bodies.get(prefix)
      const rest = [...bodies].filter(([name]) => name !== prefix)
      return [...(root === undefined ? [] : [[prefix, root]]), ...rest].map(([name, body]) => `${name} ::= ${body}`).join('\n')
    }
  }
}

/** Text as it stands. */
export function literal(text: string): string {
  let out = ''
  for (const char of text) out += escapeChar(char.codePointAt(0) ?? 0, '"\\')
  return `"${out}"`
}

export type CharRange = readonly [from: number, to: number]

/** One of these characters. Ranges are inclusive code points. */
export function charClass(ranges: readonly CharRange[]): string {
  const text = ranges.map(([from, to]) => (from === to ? classChar(from) : `${classChar(from)}-${classChar(to)}`)).join('')
  return `[${text}]`
}

function classChar(code: number): string {
  return escapeChar(code, '[]\\-^"')
}

function escapeChar(code: number, special: string): string {
  const char = String.fromCodePoint(code)
  // llama.cpp knows \xHH, \uHHHH, \UHHHHHHHH and a handful of letters; hexadecimal works for all.
  if (code >= 0x20 && code < 0x7f && !special.includes(char)) return char
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}

/** The largest bound that a repetition holds in the grammar; above, only the check after generation does. */
export const largestRepetition = 65_536

/**
 * `least` to `most` times the rule `item`, which matches no empty text and holds no choice that could match in two ways.
 * Rules grow with the square root of `most`: whole blocks first, then less than one block.
 */
export function repeat(rules: RuleSet, item: string, least: number, most: number): string {
  const parts: string[] = []
  if (least > 0) parts.push(exactly(rules, item, least))
  if (most === Number.POSITIVE_INFINITY || most > largestRepetition) parts.push(`${item}*`)
  else if (most > least) parts.push(upTo(rules, item, most - least))
  return parts.length === 0 ? '""' : parts.join(' ')
}

function exactly(rules: RuleSet, item: string, times: number): string {
  if (times <= 8) return Array.from({ length: times }, () => item).join(' ')
  const half = rules.add(exactly(rules, item, Math.floor(times / 2)))
  return times % 2 === 0 ? `${half} ${half}` : `${half} ${half} ${item}`
}

function upTo(rules: RuleSet, item: string, times: number): string {
  if (times <= 64) return chain(rules, item, times)
  const block = Math.ceil(Math.sqrt(times))
  const blocks = Math.floor(times / block)
  const whole = rules.add(exactly(rules, item, block))
  // Fewer than a block may follow each number of blocks but the last, which leaves what is left.
  const below = chain(rules, item, block - 1)
  let rest = chain(rules, item, Math.min(block - 1, times - blocks * block))
  for (let index = 0; index < blocks; index++) rest = `(${whole} ${rules.add(rest)} | ${below === '""' ? '' : below})`
  return rest
}

/** 0 … `times`, one rule for each. */
function chain(rules: RuleSet, item: string, times: number): string {
  let rest = ''
  for (let index = 0; index < times; index++) rest = `(${item}${rest === '' ? '' : ` ${rules.add(rest)}`})?`
  return rest === '' ? '""' : rest
}
