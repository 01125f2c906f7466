/** The languages the console speaks, with what each calls itself. */
export const languages = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español', 'zh-CN': '简体中文', ar: 'العربية' } as const
export type Language = keyof typeof languages

export const isLanguage = (text: string | null | undefined): text is Language => typeof text === 'string' && Object.hasOwn(languages, text)

export const directionOf = (language: Language): 'ltr' | 'rtl' => (language === 'ar' ? 'rtl' : 'ltr')

/** The first of a browser's languages that there is; English where none is. */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [base = ''] = tag.toLowerCase().split('-')
    if (base === 'zh') return 'zh-CN'
    if (isLanguage(base)) return base
  }
  return 'en'
}
