import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../renderer', import.meta.url))
const sources = globSync('**/*.tsx', { cwd: root, exclude: ['dist/**'] }).map((file) => join(root, file))

/** What a component takes of which style sheet. Tones and the like, taken by a variable, use the whole sheet. */
function usesOf(file: string): { sheet: string; names: string[]; byVariable: boolean }[] {
  const whole = readFileSync(file, 'utf8')
  const text = whole.replace(/^import .*$/gm, '')
  return [...whole.matchAll(/import (\w+) from '(\.[^']+\.module\.css)'/g)].map(([, local = '', path = '']) => ({
    sheet: join(dirname(file), path),
    names: [...text.matchAll(new RegExp(`\\b${local}\\.(\\w+)`, 'g'))].map(([, name = '']) => name),
    byVariable: new RegExp(`\\b${local}\\[`).test(text)
  }))
}

const classesOf = (sheet: string) =>
  new Set(
    [
      ...readFileSync(sheet, 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .matchAll(/\.([a-zA-Z][\w]*)(?=[\s.,:>{)[+~&]|$)/gm)
    ].map(([, name = '']) => name)
  )

test('every class that a component takes is in its style sheet, and every class there is taken', () => {
  const missing: string[] = []
  const taken = new Map<string, Set<string> | 'all'>()
  for (const file of sources) {
    for (const { sheet, names, byVariable } of usesOf(file)) {
      const known = classesOf(sheet)
      for (const name of names) if (!known.has(name)) missing.push(`${relative(root, file)}: ${name}`)
      const before = taken.get(sheet) ?? new Set()
      taken.set(sheet, byVariable || before === 'all' ? 'all' : before.union(new Set(names)))
    }
  }
  assert.deepEqual(missing, [])
  const unused = globSync('**/*.module.css', { cwd: root, exclude: ['dist/**'] }).flatMap((file) => {
    const names = taken.get(join(root, file)) ?? new Set<string>()
    return names === 'all' ? [] : [...classesOf(join(root, file))].filter((name) => !names.has(name)).map((name) => `${file}: ${name}`)
  })
  assert.deepEqual(unused, [])
})

test('colours, and sizes of type, come from the tokens alone', () => {
  const wrong = globSync('**/*.css', { cwd: root, exclude: ['dist/**', 'tokens.css'] }).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/(#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\()/gi)].map(([found]) => `${file}: ${found}`)
  })
  assert.deepEqual(wrong, [])
})
