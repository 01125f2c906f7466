import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { licencesPage, productionDependencies, toLicencesPage } from './helpers/licences.ts'

/** Licences that ask for nothing but their text and the names in it. Another one is a decision for people. */
const allowed = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Python-2.0', 'Unlicense'])

/** `(A OR B)`: one of them is enough. */
const isAllowed = (licence: string) =>
  licence
    .replace(/^\(|\)$/g, '')
    .split(' OR ')
    .some((one) => allowed.has(one))

test('docs/licences.md is what npm run licences writes', () => {
  assert.equal(readFileSync(licencesPage, 'utf8'), toLicencesPage(productionDependencies()), 'type: npm run licences')
})

test('every production dependency has a licence that may be shipped', () => {
  const dependencies = productionDependencies()
  assert.ok(dependencies.length > 100, 'the dependencies are found')
  assert.deepEqual(
    dependencies.filter(({ licence }) => !isAllowed(licence)),
    []
  )
})

test('the product has the licence that its package names', () => {
  const { license } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { license: string }
  assert.equal(license, 'Apache-2.0')
  assert.match(readFileSync(new URL('../LICENSE', import.meta.url), 'utf8'), /Apache License\s+Version 2\.0[\s\S]+Copyright 2026 The Outpost authors/)
})
