import type { ActionParameter } from '#contracts/plan.ts'
import { wordsOf } from './words.ts'

export type PlaceholderKind = 'quoted' | 'url' | 'email' | 'date' | 'time' | 'code' | 'number' | 'value'

/** A value in the text of an action: `[start, end)` of the text, quotation marks included; `text` is without them. */
export type Placeholder = { kind: PlaceholderKind; text: string; start: number; end: number }

const month =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'
const day = '\\d{1,2}(?:st|nd|rd|th)?'
const alone = '(?<![\\p{L}\\p{N}_])'
const ends = '(?![\\p{L}\\p{N}_])'
/**
 * What counts as a value by its form alone. The first that fits at a place wins. Every repetition has a bound and none may begin again within itself:
 * a hostile text of 32 kB costs milliseconds.
 */
const forms: [PlaceholderKind, string][] = [
  ['quoted', `"[^"\\n]{1,500}"|“[^“”\\n]{1,500}”|„[^„“”\\n]{1,500}[“”]|«[^«»\\n]{1,500}»|\`[^\`\\n]{1,500}\`|${alone}'[^'\\n]{1,500}'${ends}`],
  ['url', `${alone}https?://[^\\s"'<>]{0,2000}[^\\s"'<>.,;:!?)\\]]`],
  ['email', `${alone}[\\p{L}\\p{N}_][\\p{L}\\p{N}_.+-]{0,63}@[\\p{L}\\p{N}_-]{1,63}(?:\\.[\\p{L}\\p{N}_-]{1,63}){1,8}`],
  [
    'date',
    `${alone}(?:\\d{4}-\\d{2}-\\d{2}(?:[T ]\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?(?:Z|[+-]\\d{2}:?\\d{2})?)?|\\d{1,2}[./]\\d{1,2}[./]\\d{2,4}|${day}\\.? (?:of )?${month}(?:,? \\d{4})?|${month} ${day}(?:,? \\d{4})?)${ends}`
  ],
  ['time', `${alone}\\d{1,2}:\\d{2}(?::\\d{2})?(?: ?[ap]m)?${ends}`],
  // A number with a unit grown on (5kg, 10km, 2nd): the unit stays a word, because 5 kg are not 5 lb.
  ['number', `(?<![^\\s(])-?\\d+(?:\\.\\d+)?(?=\\p{L}{1,3}${ends})`],
  ['code', `#?${alone}(?=[\\p{L}\\p{N}_./-]{0,63}\\d)(?=[\\p{L}\\p{N}_./-]{0,63}\\p{L})[\\p{L}\\p{N}][\\p{L}\\p{N}_./-]{0,62}[\\p{L}\\p{N}]${ends}`],
  ['number', `(?:(?<![^\\s(])-)?${alone}\\d{1,3}(?:,\\d{3}){1,8}(?:\\.\\d+)?${ends}|(?:(?<![^\\s(])-)?${alone}\\d+(?:\\.\\d+)?${ends}`]
]
/** Characters. A longer text in the data is no name that an action would repeat. */
const longestName = 256
const anyForm = new RegExp(forms.map(([kind, source], index) => `(?<${kind}${index}>${source})`).join('|'), 'giu')

/**
 * The values in the text of an action, in order and without overlaps: quoted texts, addresses, dates, times, codes, numbers, and names that are also
 * in the data. `isKnownWord` says which words the services speak of themselves: such a word may have decided which service is called, so it is not
 * a value but part of what is asked for.
 */
export function findPlaceholders(action: string, data: ActionParameter[], isKnownWord: (word: string) => boolean): Placeholder[] {
  const named = (text: string) => wordsOf(text).some(isKnownWord)
  const found: Placeholder[] = []
  for (const match of action.matchAll(anyForm)) {
    const kind = kindOf(match.groups ?? {})
    const text = kind === 'quoted' ? match[0].slice(1, -1) : match[0]
    if ((kind === 'quoted' || kind === 'code') && named(text)) continue
    found.push({ kind, text, start: match.index, end: match.index + match[0].length })
  }
  for (const { value } of data) {
    const places = typeof value === 'string' && value.length <= longestName ? valueIn(action, value) : []
    if (places.length > 0 && !named(String(value))) found.push(...places)
  }
  return withoutOverlaps(found)
}

/** The number a text stands for: thousands may have commas. NaN: none. */
export function toNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text.replaceAll(',', ''))
}

/** Where `text` stands in `within` as words of its own. */
export function standsIn(within: string, text: string): number[] {
  const places: number[] = []
  if (text === '') return places
  for (let at = within.indexOf(text); at !== -1; at = within.indexOf(text, at + 1)) {
    if (!touches(within[at - 1], text[0]) && !touches(text.at(-1), within[at + text.length])) places.push(at)
  }
  return places
}

/** Two neighbours belong to one word. */
function touches(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && /[\p{L}\p{N}_]/u.test(one) && /[\p{L}\p{N}_]/u.test(other)
}

function kindOf(groups: Record<string, string | undefined>): PlaceholderKind {
  const index = forms.findIndex(([kind], place) => groups[`${kind}${place}`] !== undefined)
  return forms[index]?.[0] ?? 'number'
}

/** A single word at the very start is what is to be done, also where some field happens to say the same. */
function valueIn(action: string, value: string): Placeholder[] {
  const text = value.trim()
  if (text.length < 2 || !/\p{L}/u.test(text)) return []
  return standsIn(action, text)
    .filter((start) => action.slice(0, start).trim() !== '' || wordsOf(text).length > 1)
    .map((start) => ({ kind: 'value', text, start, end: start + text.length }))
}

/** Of two that overlap the longer one stays, of two alike the one known by its form. */
function withoutOverlaps(found: Placeholder[]): Placeholder[] {
  const kept: Placeholder[] = []
  for (const candidate of found.toSorted((one, other) => one.start - other.start)) {
    const last = kept.at(-1)
    if (last === undefined || candidate.start >= last.end) kept.push(candidate)
    else if (candidate.end - candidate.start > last.end - last.start) kept[kept.length - 1] = candidate
  }
  return kept
}
