import type { Language } from './languages.ts'

/** Forms of a message by the plural rules of its language; `{count}` chooses. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }
export type Message = string | Plural
export type Catalogue = Readonly<Record<string, Message>>

/** The same keys as the English catalogue, in another language. */
export type Translation<English extends Catalogue> = { readonly [Key in keyof English]: English[Key] extends string ? string : Plural }

type PlaceholdersIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | PlaceholdersIn<Rest> : never
type TextOf<Entry> = Entry extends string ? Entry : Entry extends { other: infer Other extends string } ? Other | `{count}` : never
/** What stands in the braces of a message. */
export type Parameters<Entry> = Record<PlaceholdersIn<TextOf<Entry>>, string | number>

/** A message with its places filled in; numbers are written as the language writes them. */
export function formatMessage(message: Message, language: Language, parameters: Readonly<Record<string, string | number>> = {}): string {
  const text = typeof message === 'string' ? message : pluralForm(message, language, parameters['count'])
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = parameters[name]
    if (value === undefined) return place
    return typeof value === 'number' ? numberFormat(language).format(value) : value
  })
}

function pluralForm(message: Plural, language: Language, count: string | number | undefined): string {
  return message[pluralRules(language).select(Number(count))] ?? message.other
}

const numbers = new Map<Language, Intl.NumberFormat>()
function numberFormat(language: Language): Intl.NumberFormat {
  const known = numbers.get(language) ?? new Intl.NumberFormat(language)
  numbers.set(language, known)
  return known
}

const rules = new Map<Language, Intl.PluralRules>()
function pluralRules(language: Language): Intl.PluralRules {
  const known = rules.get(language) ?? new Intl.PluralRules(language)
  rules.set(language, known)
  return known
}
