/** A rule that a sentence states. Phrases name what services do; several in a list are all meant. */
export type Rule =
  /** Whoever does `what` needs a result of who does `first`. */
  | { type: 'requires'; what: string[]; first: string[] }
  /** The same, where both are in the plan. */
  | { type: 'order'; first: string[]; second: string[] }
  /** Everything else needs a result of it. */
  | { type: 'starts-with'; what: string[] }
  | { type: 'count'; what: string; min: number; max: number }
  /** Nothing else may be in the plan. */
  | { type: 'only'; what: string[] }

const counts: Record<string, number> = { no: 0, one: 1, once: 1, a: 1, single: 1, two: 2, twice: 2, three: 3, four: 4, five: 5 }
const amount = '(\\d{1,3}|one|a single|two|three|four|five)'
const times = '(once|twice|(?:\\d{1,3}|two|three|four|five) times)'
const never = "(?:never|do not|don't|must not|must never|no|avoid)"
/** Limits that a single plan cannot show: they speak of a time or of each of several things. */
const beyondThePlan = /\b(?:per|each|every|daily|weekly|monthly|a day|an hour|a week|a month|within|unless otherwise|at a time|in parallel)\b/

type Form = [RegExp, (match: string[]) => Rule]
/** In this order; the first that fits decides. A denial comes before what it may contain. */
const forms: Form[] = [
  [
    form(`${never} (.+?) (?:before|without|until|unless) (.+)`),
    ([what = '', first = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })
  ],
  [form(`${never} (.+?) more than ${times}`), ([what = '', most = '']) => ({ type: 'count', what, min: 0, max: toCount(most) })],
  [form(`only use (.+)|use only (.+)`), ([one = '', other = '']) => ({ type: 'only', what: listed(one || other) })],
  [form(`only (.+?) (?:after|once|when|if) (.+)`), ([what = '', first = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })],
  [form(`(.+?),? only (?:after|once|when|if) (.+)`), ([what = '', first = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })],
  [
    form(`(?:at most|no more than|not more than|max(?:imum)?(?: of)?) ${amount} (.+)`),
    ([most = '', what = '']) => ({ type: 'count', what, min: 0, max: toCount(most) })
  ],
  [form(`at least ${amount} (.+)`), ([least = '', what = '']) => ({ type: 'count', what, min: toCount(least), max: Number.MAX_SAFE_INTEGER })],
  [form(`only ${amount} (.+)`), ([most = '', what = '']) => ({ type: 'count', what, min: 0, max: toCount(most) })],
  [form(`exactly ${amount} (.+)`), ([number = '', what = '']) => ({ type: 'count', what, min: toCount(number), max: toCount(number) })],
  [form(`(.+?) (?:at most|only|no more than) ${times}`), ([what = '', most = '']) => ({ type: 'count', what, min: 0, max: toCount(most) })],
  [form(`(?:start|begin) (?:with|by) (.+)`), ([what = '']) => ({ type: 'starts-with', what: listed(what) })],
  [
    form(`first,? (.+?),? (?:and )?(?:only )?then (.+)`),
    ([first = '', what = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })
  ],
  [
    form(`(?:before|prior to) (.+?), (.+?)(?: first)?`),
    ([what = '', first = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })
  ],
  [
    form(`(.+?) (?:before|prior to|must precede|precedes) (.+)`),
    ([first = '', what = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })
  ],
  [
    form(`(.+?) (?:requires?|needs?|depends on|must follow|must be preceded by|must come after|may only follow) (.+?)(?: first)?`),
    ([what = '', first = '']) => ({ type: 'requires', what: listed(what), first: listed(first) })
  ],
  [form(`after (.+?), (.+)`), ([first = '', second = '']) => ({ type: 'order', first: listed(first), second: listed(second) })],
  [form(`(.+?) after (.+)`), ([second = '', first = '']) => ({ type: 'order', first: listed(first), second: listed(second) })],
  [form(`(.+?),? (?:and )?then (.+)`), ([first = '', second = '']) => ({ type: 'order', first: listed(first), second: listed(second) })],
  [form(`(.+?) first`), ([what = '']) => ({ type: 'starts-with', what: listed(what) })],
  [form(`${never} (.+)`), ([what = '']) => ({ type: 'count', what, min: 0, max: 0 })],
  [form(`(.+?) (?:is|are) (?:not allowed|forbidden|prohibited|never allowed)`), ([what = '']) => ({ type: 'count', what, min: 0, max: 0 })],
  [form(`(.+?) (?:is|are) (?:required|mandatory|obligatory)`), ([what = '']) => ({ type: 'count', what, min: 1, max: Number.MAX_SAFE_INTEGER })]
]
/** Says only that it is a rule. `Always verify …` alone is one: it has to be in the plan. */
const opening =
  /^(?:please|you must|you should|the (?:agent|plan|system) must|make sure (?:that |to )?|ensure (?:that )?|it is required (?:that |to )?)\s*/

/** What a constraint demands of a plan; undefined: it is none of the forms known here, which a person or the model has to see to. */
export function readConstraint(sentence: string): Rule | undefined {
  const plain = sentence
    .trim()
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/[.!]+$/, '')
    .replace(/\s+/g, ' ')
    .replace(opening, '')
  // Two sentences, or one with a condition, say more than one form can.
  if (/[.;:!?]\s/.test(plain) || /^(?:if|when|unless|while) /.test(plain) || beyondThePlan.test(plain)) return undefined
  const always = /^(?:must )?always (.+)$/.exec(plain)?.[1]
  const text = always ?? plain
  for (const [pattern, rule] of forms) {
    const match = pattern.exec(text)
    if (match !== null) return rule(match.slice(1).map((part) => part ?? ''))
  }
  return always === undefined ? undefined : { type: 'count', what: always, min: 1, max: Number.MAX_SAFE_INTEGER }
}

/** All phrases of a rule. */
export function phrasesOf(rule: Rule): string[] {
  switch (rule.type) {
    case 'requires':
      return [...rule.what, ...rule.first]
    case 'order':
      return [...rule.first, ...rule.second]
    case 'count':
      return [rule.what]
    default:
      return rule.what
  }
}

function form(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`)
}

/** “a, b and c”: each of them. */
function listed(phrase: string): string[] {
  return phrase
    .split(/,\s*(?:and |or )?|\s+(?:and|or)\s+/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function toCount(text: string): number {
  const word = text.replace('a single', 'single').split(' ')[0] ?? ''
  return counts[word] ?? Number(word)
}
