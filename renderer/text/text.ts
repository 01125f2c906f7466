import { useSyncExternalStore } from 'react'
import { createFormats, type Formats } from './formats.ts'
import { chooseLanguage, directionOf, isLanguage, type Language } from './languages.ts'
import { type Catalogue, formatMessage, type Parameters, type Translation } from './message.ts'

/** One catalogue in the current language: `t('pull-stopped', { name })`. */
export type Translate<English extends Catalogue> = <Key extends keyof English & string>(
  key: Key,
  ...parameters: Parameters<English[Key]> extends Record<string, never> ? [] : [Parameters<English[Key]>]
) => string

export type Text<English extends Catalogue> = {
  /** To be awaited before anything of it is drawn. */
  load(): Promise<void>
  useText(): Translate<English>
}

const storageKey = 'outpost.language'
const catalogues = new Map<string, { load: (language: Language) => Promise<Catalogue>; messages: Catalogue | undefined }>()
const listeners = new Set<() => void>()
let language: Language = 'en'
let formats: Formats = createFormats(language)
/** A new one for each language, so that what is drawn knows when to be drawn again. */
let snapshot: { language: Language; formats: Formats } = { language, formats }

/** Messages of one part of the console, fetched in the current language when the part is. */
export function defineText<English extends Catalogue>(
  name: string,
  load: (language: Language) => Promise<{ messages: Translation<English> }>
): Text<English> {
  const catalogue: { load: (language: Language) => Promise<Catalogue>; messages: Catalogue | undefined } = {
    load: async (wanted) => (await load(wanted)).messages,
    messages: undefined
  }
  catalogues.set(name, catalogue)
  const translate: Translate<English> = (key, ...[parameters]) => formatMessage(catalogue.messages?.[key] ?? key, language, parameters)
  return {
    async load() {
      catalogue.messages ??= await catalogue.load(language)
    },
    useText() {
      useLanguage()
      return translate
    }
  }
}

export function useLanguage(): { language: Language; formats: Formats } {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => snapshot
  )
}

/** What was chosen here before, else what the browser asks for. To be called once, before anything is loaded. */
export function startLanguage(): void {
  const kept = localStorage.getItem(storageKey)
  apply(isLanguage(kept) ? kept : chooseLanguage(navigator.languages))
}

/** Everything that was loaded is loaded in the new language, then drawn again at once. */
export async function setLanguage(next: Language): Promise<void> {
  const loaded = [...catalogues.values()].filter(({ messages }) => messages !== undefined)
  const fresh = await Promise.all(loaded.map((catalogue) => catalogue.load(next)))
  for (const [i, catalogue] of loaded.entries()) catalogue.messages = fresh[i]
  localStorage.setItem(storageKey, next)
  apply(next)
  for (const listener of listeners) listener()
}

function apply(next: Language): void {
  language = next
  formats = createFormats(next)
  snapshot = { language, formats }
  document.documentElement.lang = next
  document.documentElement.dir = directionOf(next)
}
