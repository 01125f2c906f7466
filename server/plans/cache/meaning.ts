/**
 * Words that can stand for each other in an action. Whether they do in this one is for the embedding to say (`hitSimilarity`). Pairs that it lets pass
 * where they do not mean the same (open and create, mail and e-mail, delete and remove) are left out: `docs/decisions/2026-11-24-plan-cache.md`.
 */
const synonyms = [
  ['show', 'list', 'display'],
  ['get', 'fetch', 'retrieve'],
  ['calculate', 'compute'],
  ['notify', 'inform'],
  ['create', 'make'],
  ['buy', 'purchase'],
  ['delete', 'erase'],
  ['book', 'reserve'],
  ['repair', 'fix'],
  ['choose', 'select'],
  ['begin', 'start'],
  ['customer', 'client'],
  ['photo', 'picture'],
  ['about', 'regarding', 'concerning']
]
const groups = new Map(synonyms.flatMap((group) => group.map((word) => [word, group[0] ?? word])))

/** Each begins a phrase of its own: `from {code}`, `to {code}`. */
const prepositions = new Set(['from', 'to', 'for', 'of', 'on', 'in', 'at', 'by', 'with', 'via', 'into', 'about'])
/** Where one of these is, the order of phrases may say what belongs to what. */
const joins = new Set([
  'and',
  'or',
  'then',
  'but',
  'if',
  'unless',
  'before',
  'after',
  'until',
  'while',
  'when',
  'not',
  'without',
  'except',
  'that',
  'who',
  'which'
])

export type Comparison =
  /** `order[i]`: which value of the asked action stands where the kept one has its value `i`. `close`: only if the embedding agrees. */
  { type: 'same' | 'close'; order: number[] } | { type: 'different'; kept: string; asked: string }

/**
 * Whether two actions, as words with `{kind}` for values, ask for the same. An embedding alone cannot say that: it gives “refund if the item is damaged”
 * and “… unless …” 0.99, and “from Paris to Rome” and “from Rome to Paris” 1.00. So every word has to agree: it is the same, or a synonym; phrases may
 * change places where each can be told by its preposition.
 */
export function compareMeaning(kept: string[], asked: string[]): Comparison {
  if (isEqual(kept, asked)) return { type: 'same', order: values(kept).map((_, index) => index) }
  const order = matchPhrases(kept.map(general), asked.map(general))
  return order === undefined ? { type: 'different', ...firstDifference(kept, asked) } : { type: 'close', order }
}

function general(word: string): string {
  return groups.get(word) ?? word
}

function matchPhrases(kept: string[], asked: string[]): number[] | undefined {
  if (isEqual(kept, asked)) return values(kept).map((_, index) => index)
  if (kept.length !== asked.length || [...kept, ...asked].some((word) => joins.has(word))) return undefined
  const keptPhrases = toPhrases(kept)
  const askedPhrases = toPhrases(asked)
  if (keptPhrases === undefined || askedPhrases === undefined || keptPhrases.size !== askedPhrases.size) return undefined
  const order: number[] = []
  for (const [preposition, phrase] of keptPhrases) {
    const other = askedPhrases.get(preposition)
    if (other === undefined || !isEqual(phrase.words, other.words)) return undefined
    order.push(...phrase.values.map((_, index) => other.values[index] ?? 0))
  }
  return order
}

type Phrase = { words: string[]; values: number[] }

/** Cut at its prepositions; undefined where one comes twice, because then they do not tell the phrases apart. */
function toPhrases(words: string[]): Map<string, Phrase> | undefined {
  let phrase: Phrase = { words: [], values: [] }
  const phrases = new Map([['', phrase]])
  let value = 0
  for (const word of words) {
    if (prepositions.has(word)) {
      if (phrases.has(word)) return undefined
      phrase = { words: [], values: [] }
      phrases.set(word, phrase)
      continue
    }
    phrase.words.push(word)
    if (isValue(word)) phrase.values.push(value++)
  }
  return phrases
}

function firstDifference(kept: string[], asked: string[]): { kept: string; asked: string } {
  let start = 0
  while (start < Math.min(kept.length, asked.length) && kept[start] === asked[start]) start++
  let end = 0
  while (end < Math.min(kept.length, asked.length) - start && kept.at(-1 - end) === asked.at(-1 - end)) end++
  return { kept: kept.slice(start, kept.length - end).join(' '), asked: asked.slice(start, asked.length - end).join(' ') }
}

function values(words: string[]): string[] {
  return words.filter(isValue)
}

function isValue(word: string): boolean {
  return word.startsWith('{')
}

function isEqual(one: string[], other: string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index])
}
