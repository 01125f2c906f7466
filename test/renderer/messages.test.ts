import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chooseLanguage, type Language, languages } from '../../renderer/text/languages.ts'
import { type Catalogue, formatMessage, type Message } from '../../renderer/text/message.ts'

const root = fileURLToPath(new URL('../../renderer', import.meta.url))
/** Folders that have catalogues: the frame's, and one for each page. */
const folders = globSync('{messages,features/*/messages}', { cwd: root }).sort()
const load = async (folder: string, language: string) => ((await import(join(root, folder, `${language}.ts`))) as { messages: Catalogue }).messages
const textsOf = (message: Message | undefined) => (message === undefined ? [] : typeof message === 'string' ? [message] : Object.values(message))
const placesOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)

for (const folder of folders) {
  test(`every language of ${folder} has every message, with the same places to fill in`, async () => {
    const english = await load(folder, 'en')
    assert.ok(Object.keys(english).length > 0)
    for (const language of Object.keys(languages)) {
      const messages = await load(folder, language)
      assert.deepEqual(Object.keys(messages).sort(), Object.keys(english).sort(), language)
      for (const [key, message] of Object.entries(messages)) {
        const expected = new Set(textsOf(english[key]).flatMap(placesOf))
        for (const text of textsOf(message)) {
          assert.ok(text.trim() !== '', `${language} ${key}`)
          assert.deepEqual(
            placesOf(text).filter((name) => !expected.has(name)),
            [],
            `${language} ${key}: ${text}`
          )
        }
        const rules = new Intl.PluralRules(language).resolvedOptions().pluralCategories
        if (typeof message !== 'string')
          assert.deepEqual(Object.keys(message).sort(), [...rules].sort(), `${language} ${key} has the forms of its language`)
      }
    }
  })

  test(`every message of ${folder} is used`, async () => {
    const english = await load(folder, 'en')
    // The frame's words are for the pages as well.
    const place = folder === 'messages' ? '{*,frame/*,ui/*,features/*/*}' : `${dirname(folder)}/*`
    const source = globSync(place, { cwd: root })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => readFileSync(join(root, file), 'utf8'))
      .join('\n')
    const beginnings = [...source.matchAll(/`([a-z-]+-)\$\{/g)].map(([, beginning]) => beginning ?? '')
    const used = (key: string) => source.includes(`'${key}'`) || beginnings.some((beginning) => key.startsWith(beginning))
    assert.deepEqual(
      Object.keys(english).filter((key) => !used(key)),
      []
    )
  })
}

test('plurals and numbers are those of the language', () => {
  const messages: [Language, Message, number, string][] = [
    ['en', { one: '{count} model', other: '{count} models' }, 1, '1 model'],
    ['en', { one: '{count} model', other: '{count} models' }, 1234, '1,234 models'],
    ['de', { one: '{count} Modell', other: '{count} Modelle' }, 1234, '1.234 Modelle'],
    ['ar', { two: 'نموذجان', few: '{count} نماذج', other: '{count} نموذج' }, 2, 'نموذجان']
  ]
  for (const [language, message, count, expected] of messages) assert.equal(formatMessage(message, language, { count }), expected)
  assert.equal(formatMessage('{name} is here', 'en', { name: '{name}' }), '{name} is here')
})

test('the language is the first of the browser’s that there is', () => {
  assert.equal(chooseLanguage(['pt-BR', 'fr-CA', 'en']), 'fr')
  assert.equal(chooseLanguage(['zh-TW']), 'zh-CN')
  assert.equal(chooseLanguage(['AR-eg']), 'ar')
  assert.equal(chooseLanguage(['toString', 'xx']), 'en')
})
