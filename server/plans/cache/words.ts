/** Articles say nothing about what is to be done. */
const articles = new Set(['a', 'an', 'the'])
/** Courtesy around what is asked for; taken off both ends, a few times at most. */
const courtesyBefore =
  /^\s*(?:(?:please|kindly|hi|hello|hey)(?![\p{L}\p{N}])|(?:can|could|would|will) you\b|(?:i|we)(?: would|['’]d)? (?:want|need|like)(?: you)? to\b)[\s,!:]*/iu
const courtesyAfter = /(?<![\p{L}\p{N}])(?:please|thanks|thank you)$/iu
const rounds = 4
/** Endings that are spelled in two ways. */
const spellings: [RegExp, string][] = [
  [/is(e[sd]?|ing|ation|ations)$/, 'iz$1'],
  [/yse([sd]?)$/, 'yze$1'],
  [/([bcdv]e)lled$/, '$1led'],
  [/([^aeiou])our(s?)$/, '$1or$2'],
  [/^cheque(s?)$/, 'check$1']
]
/** Stands in a text for a value that was taken out: a character that Unicode leaves to private use, so no text has a meaning for it. */
export const hole = '\uE000'
/** Some symbols are words: `> 100` is not `< 100`, and a question is no order. */
const word = /[\p{L}\p{M}\p{N}_]+|[%$€£¥<>=≤≥≠?+\uE000]/gu

/**
 * The words of a text in lower case and one spelling, without articles and courtesy: what remains is what is asked for. Two texts with the same
 * words in the same order mean the same. A negation is always a word of its own (`don't` gives `do`, `not`).
 */
export function wordsOf(text: string): string[] {
  const plain = withoutCourtesy(text)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\bcannot\b/g, 'can not')
    .replace(/\b(?:can|won|shan)['’]t\b/g, (short) => ({ c: 'can not', w: 'will not', s: 'shall not' })[short[0] as 'c' | 'w' | 's'])
    .replaceAll('&', ' and ')
    .replace(/n['’]t\b/g, ' not')
    .replace(/['’]s?(?![\p{L}\p{N}])/gu, ' ')
    .replace(/(?<=\p{L})-(?=\p{L})/gu, '')
  return (plain.match(word) ?? []).filter((item) => !articles.has(item)).map(oneSpelling)
}

function withoutCourtesy(text: string): string {
  let rest = text
  for (let round = 0; round < rounds; round++) {
    const before = rest
    rest = withoutEnd(rest.replace(courtesyBefore, '')).replace(courtesyAfter, '')
    if (rest === before) break
  }
  // Nothing but courtesy is an action too, however odd.
  return rest.trim() === '' ? text : rest
}

/** Without full stops and the like at its end. A loop: a pattern that is tied to the end alone is tried at every place of a long run. */
function withoutEnd(text: string): string {
  let end = text.length
  while (end > 0 && ' \n\r\t,.!'.includes(text[end - 1] ?? '')) end--
  return text.slice(0, end)
}

function oneSpelling(item: string): string {
  for (const [ending, spelling] of spellings) {
    if (item.length > 5 && ending.test(item)) return item.replace(ending, spelling)
  }
  return item
}
