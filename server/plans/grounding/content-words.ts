import { wordsOf } from '../cache/words.ts'

/** Words that name nothing. */
const fillers = new Set(
  'of to for from in on at by with and or as is are be been being was were do does must should shall may can has have had needs it its this that these those any all each every always please sure make ensure you we they their them our your before after then first when if whether can could would will not who which into out up service agent capability'.split(
    ' '
  )
)
/** Services check, verify, validate and confirm without a difference. */
const checking = /^(?:check|validat|confirm)(?:s|ed|ing|e|es|ion|ation)?$/
/** One after the other, each at most once. Not a whole stemmer: enough for verbs and nouns of one family to meet. */
const endings: [RegExp, string][] = [
  [/(?<=ss|x|z|ch|sh)es$/, ''],
  [/ies$/, 'y'],
  [/(?<=[^s])s$/, ''],
  [/ied$/, 'y'],
  [/(?<=.{3})(?:ed|ing)$/, ''],
  [/(?<=.{2})ific(?:ation|ator)$/, 'ify'],
  [/(?<=.{3})at(?:ion|or|e)$/, 'at'],
  [/(?<=.{3})(?:ment|ibility|ability|ible|able)$/, ''],
  [/(?<=.{3})(?:al|er|or|e)$/, ''],
  [/y$/, 'i'],
  [/([bdfglmnprst])\1$/, '$1']
]

/** Stems of the words that name something: verifies, verified and verification give the same. English; other languages get whole words. */
export function contentWords(text: string): string[] {
  const words = wordsOf(text.replace(/(?<=\p{Ll})(?=\p{Lu})|_/gu, ' ')).map((word) => (checking.test(word) ? 'verify' : word))
  return [...new Set(words.filter((word) => !fillers.has(word) && /[\p{L}\p{N}]/u.test(word)).map(stem))]
}

/** Part of the words of `phrase` that `text` has too; 0: none, or the phrase has none. */
export function sharedWords(phrase: string, text: string): number {
  const wanted = contentWords(phrase)
  const present = contentWords(text)
  return wanted.length === 0 ? 0 : wanted.filter((word) => present.some((other) => isOneFamily(word, other))).length / wanted.length
}

function stem(word: string): string {
  return endings.reduce((rest, [ending, instead]) => rest.replace(ending, instead), word)
}

/** Equal, or one goes on a little: cancel and cancellation. */
function isOneFamily(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return one === other || (short.length >= 4 && long.length - short.length <= 3 && long.startsWith(short))
}
