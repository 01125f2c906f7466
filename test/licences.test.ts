import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { consoleDependencies, licencesPage, productionDependencies, toLicencesPage } from './helpers/licences.ts'

/** Licences that ask for nothing but their text and the names in it. Another one is a decision for people. */
const allowed = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Python-2.0', 'Unlicense'])
/** For fonts: they may be shipped inside of anything, and not be sold alone. */
const allowedFont = 'OFL-1.1'

/** `(A OR B)`: one of them is enough. */
const isAllowed = (licence: string) =>
  licence
    .replace(/^\(|\)$/g, '')
    .split(' OR ')
    .some((one) => allowed.has(one))

test('docs/licences.md is what npm run licences writes', () => {
  assert.equal(readFileSync(licencesPage, 'utf8'), toLicencesPage(productionDependencies(), consoleDependencies()), 'type: npm run licences')
})

test('every production dependency has a licence that may be shipped', () => {
  const dependencies = productionDependencies()
  assert.ok(dependencies.length > 100, 'the dependencies are found')
  assert.deepEqual(
    dependencies.filter(({ licence }) => !isAllowed(licence)),
    []
  )
})

test('so has everything that the console has inside, and all that its sources import is known', () => {
  const dependencies = consoleDependencies()
  assert.deepEqual(
    dependencies.filter(({ name, licence }) => !isAllowed(licence) && !(name.startsWith('@fontsource') && licence === allowedFont)),
    []
  )
  const root = fileURLToPath(new URL('../renderer', import.meta.url))
  const imported = globSync('**/*.{ts,tsx}', { cwd: root, exclude: ['dist/**', 'build/**'] }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^import (?!type )[^']*'(@[^/']+\/[^/']+|[a-z][^/'.:#]*)/gm)].map(([, name = '']) => name)
  )
  assert.deepEqual(
    [...new Set(imported)].filter((name) => name !== 'virtual' && !dependencies.some((known) => known.name === name)),
    []
  )
})

test('the product has the licence that its package names', () => {
  const { license } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { license: string }
  assert.equal(license, 'Apache-2.0')
  assert.match(readFileSync(new URL('../LICENSE', import.meta.url), 'utf8'), /Apache License\s+Version 2\.0[\s\S]+Copyright 2026 The Outpost authors/)
})
