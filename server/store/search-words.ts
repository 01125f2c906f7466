/** A word of a text as a search compares it, and where it stands. */
export type SearchWord = { word: string; start: number; end: number }

/** What a query asks for: all of these, each as words in a row. `isOpen`: its last word may be the beginning of one. */
export type SearchPhrase = { words: string[]; isOpen: boolean }

/** Words of one query. More would only be slow. */
const mostPhrases = 16
/** How far into a text a match is looked for that a search is known to have found. */
const lookInto = 200_000
const before = 48
const around = 180

/**
 * Scripts that put no space between words: each character is a word, and a word of a query is a row of them. So one and two characters are found as
 * well, which most Chinese words have, and which a trigram index cannot find.
 */
const alone = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}]\\p{M}*'
const wordPattern = new RegExp(`${alone}|(?:(?!${alone})[\\p{L}\\p{N}\\p{M}\\p{Co}\\u0640])+`, 'gu')
/** Accents of Latin, Greek and Cyrillic, points of Hebrew, vowels and lengthening of Arabic: written or not, it is the same word. In other scripts marks are letters. */
const optionalMarks = /[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]/g
const sameLetters: Record<string, string> = {
  ς: 'σ',
  ß: 'ss',
  ı: 'i',
  ł: 'l',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  đ: 'd',
  ٱ: 'ا',
  ى: 'ي',
  ة: 'ه',
  ی: 'ي',
  ک: 'ك'
}
const sameLetter = new RegExp(`[${Object.keys(sameLetters).join('')}]`, 'g')

/** The words of a text in order. The index and the queries are both made of them, so that they never differ. */
export function* searchWords(text: string): Generator<SearchWord> {
  for (const match of text.matchAll(wordPattern)) {
    const word = fold(match[0])
    if (word !== '') yield { word, start: match.index, end: match.index + match[0].length }
  }
}

/** What FTS5 is given of a text. */
export function toIndexText(text: string): string {
  let words = ''
  for (const { word } of searchWords(text)) words += words === '' ? word : ` ${word}`
  return words
}

/** An owner as one word that no text has. */
export function ownerWord(owner: string): string {
  return `o${Buffer.from(owner).toString('hex')}`
}

/** Parts at spaces; the last one is open unless a space follows it. Empty: there is no word in it. */
export function parseQuery(query: string): SearchPhrase[] {
  const parts = query.split(/\s+/).filter((part) => part !== '')
  const phrases = parts.map((part, i) => ({
    words: [...searchWords(part)].map(({ word }) => word),
    isOpen: i === parts.length - 1 && !/\s$/.test(query)
  }))
  return phrases.filter(({ words }) => words.length > 0).slice(0, mostPhrases)
}

/** The query in the words of FTS5. Words hold letters and digits only, so nothing in it can be taken for syntax. */
export function toMatch(owner: string, phrases: readonly SearchPhrase[]): string {
  const text = phrases.map(({ words, isOpen }) => `"${words.join(' ')}"${isOpen ? '*' : ''}`).join(' ')
  return `owner : "${ownerWord(owner)}" AND text : (${text})`
}

/** A piece of the text around the first match, in one line, and `[start, end)` of what matches in it. */
export function snippetOf(text: string, phrases: readonly SearchPhrase[]): { text: string; marks: [number, number][] } {
  const words: SearchWord[] = []
  let from: number | undefined
  const found: [number, number][] = []
  const longest = Math.max(1, ...phrases.map(({ words }) => words.length))
  for (const word of searchWords(text.slice(0, lookInto))) {
    if (from !== undefined && word.start > from + around) break
    words.push(word)
    if (words.length > longest) words.shift()
    for (const phrase of phrases) {
      const range = matchAtEnd(words, phrase)
      if (range === undefined) continue
      from ??= beginning(text, range[0])
      found.push(range)
    }
  }
  const start = from ?? 0
  const end = Math.min(text.length, start + around)
  const lead = start > 0 ? '…' : ''
  const shift = lead.length - start
  const piece = text.slice(start, end).replace(/[\s\p{Cc}]/gu, ' ')
  return {
    text: `${lead}${piece}${end < text.length ? '…' : ''}`,
    marks: joined(found.filter(([, last]) => last <= end)).map(([first, last]) => [first + shift, last + shift])
  }
}

function fold(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(optionalMarks, '')
    .replace(sameLetter, (letter) => sameLetters[letter] ?? letter)
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M}\p{Co}]/gu, '')
}

function matchAtEnd(words: readonly SearchWord[], { words: wanted, isOpen }: SearchPhrase): [number, number] | undefined {
  const at = words.length - wanted.length
  const first = words[at]
  if (first === undefined) return undefined
  const matches = wanted.every((want, i) => {
    const have = words[at + i]?.word ?? ''
    return isOpen && i === wanted.length - 1 ? have.startsWith(want) : have === want
  })
  return matches ? [first.start, words.at(-1)?.end ?? first.end] : undefined
}

/** A little before the match, where a word begins. */
function beginning(text: string, match: number): number {
  if (match <= before) return 0
  const space = text.slice(match - before, match).search(/\s/)
  if (space >= 0) return match - before + space + 1
  const cut = match - Math.min(before, 12)
  // Not between the two halves of a character.
  return /[\udc00-\udfff]/.test(text[cut] ?? '') ? cut - 1 : cut
}

function joined(ranges: [number, number][]): [number, number][] {
  const result: [number, number][] = []
  for (const [start, end] of ranges.sort((one, other) => one[0] - other[0])) {
    const last = result.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else result.push([start, end])
  }
  return result
}
