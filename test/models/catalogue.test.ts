import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../server/errors.ts'
import { findEntry, loadCatalogue, nearNames } from '../../server/models/catalogue.ts'
import { chooseSources } from '../../server/models/sources/choose.ts'
import { entryOf, settings, temporaryFolder } from './fixtures.ts'

test('the packaged catalogue has both defaults, and every name in it means one model', () => {
  const catalogue = loadCatalogue()
  assert.equal(findEntry(catalogue, catalogue.defaults.chat)?.kind, 'chat')
  assert.equal(findEntry(catalogue, catalogue.defaults.embedding)?.kind, 'embedding')
  assert.equal(findEntry(catalogue, 'smollm2:135M')?.id, 'smollm2-135m-instruct')
  assert.equal(findEntry(catalogue, 'all-minilm')?.id, 'all-minilm-l6-v2')
  assert.equal(findEntry(catalogue, 'smollm'), undefined)
  const names = catalogue.models.flatMap(({ id, aliases }) => [
    id,
    ...new Set(aliases.map((alias) => alias.toLowerCase()).filter((alias) => alias !== id))
  ])
  assert.deepEqual(names, [...new Set(names)])
})

test('the packaged catalogue has models of every use and size, and says of each fact where it was read', () => {
  const { models } = loadCatalogue()
  assert.ok(models.length >= 25, `${models.length}`)
  const uses = new Set(models.flatMap((entry) => entry.uses ?? []))
  assert.deepEqual([...uses].sort(), ['chat', 'code', 'embedding', 'rerank', 'reasoning', 'vision'].sort())
  const sizes = models.map(({ parameters }) => parameters ?? 0)
  assert.ok(Math.min(...sizes) < 0.2e9 && Math.max(...sizes) > 100e9)
  for (const { id, licence, licenceUrl, files, factsFrom = {} } of models) {
    assert.match(licence, /^(Apache-2\.0|MIT|LicenseRef-[\w.-]+)$/, id)
    assert.match(licenceUrl ?? '', /^https:\/\//, id)
    for (const fact of ['licence', 'parameters', 'contextWindow']) assert.ok(factsFrom[fact] ?? factsFrom['files'], `${id}: ${fact}`)
    for (const { name, size, sha256 } of files) {
      for (const [fact, value] of Object.entries({ size, sha256 })) {
        if (value !== undefined) assert.ok((factsFrom[fact] ?? '').includes(name) || factsFrom['files'], `${id}: ${fact} of ${name}`)
      }
    }
  }
})

test('every source of the packaged catalogue is understood', () => {
  for (const { files } of loadCatalogue().models) {
    for (const file of files) {
      for (const source of chooseSources(file, settings())) assert.match(source.label, /^(pip [\w-]+==[\d.]+|Hugging Face [\w.-]+\/[\w.-]+)$/)
    }
  }
})

test('a catalogue of the user adds models, replaces ours by id and sets the defaults', () => {
  using folder = temporaryFolder()
  const extraFile = join(folder.path, 'catalogue.json')
  const ours = loadCatalogue()
  const replaced = { ...entryOf([]), id: ours.defaults.embedding, name: 'Mine' }
  writeFileSync(extraFile, JSON.stringify({ defaults: { chat: 'own' }, models: [entryOf([], 'own'), replaced] }))
  const merged = loadCatalogue({ extraFile })
  assert.equal(merged.models.length, ours.models.length + 1)
  assert.deepEqual(merged.defaults, { chat: 'own', embedding: ours.defaults.embedding })
  assert.equal(findEntry(merged, 'all-minilm-l6-v2')?.name, 'Mine')
  assert.deepEqual(loadCatalogue({ extraFile: join(folder.path, 'none.json') }), ours)
})

test('a broken catalogue is one line that names the file and the place', () => {
  using folder = temporaryFolder()
  const extraFile = join(folder.path, 'catalogue.json')
  const refuse = (content: string, message: RegExp) => {
    writeFileSync(extraFile, content)
    assert.throws(
      () => loadCatalogue({ extraFile }),
      (error) => {
        assert.ok(error instanceof AppError && error.code === 'invalid_request')
        assert.ok(error.message.includes(extraFile))
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /\n/)
        return true
      }
    )
  }
  refuse('{', /cannot be read: .*JSON/)
  refuse('[]', /broken at the top level/)
  refuse(JSON.stringify({ models: [{ ...entryOf([]), id: 'UPPER' }] }), /broken at models\.0\.id/)
  refuse(
    JSON.stringify({ models: [{ ...entryOf([{ name: '../x', size: 1, sha256: '0'.repeat(64), sources: [] }]) }] }),
    /models\.0\.files\.0\.name: a plain file name/
  )
  refuse(JSON.stringify({ models: [entryOf([]), entryOf([])] }), /has the model some-model twice/)
  refuse(JSON.stringify({ models: [], defaults: { chat: 'gone' } }), /names the default gone, but has no such model; it has smollm2/)
})

test('a model nobody vouches for may be listed, and is never a default', () => {
  using folder = temporaryFolder()
  const extraFile = join(folder.path, 'catalogue.json')
  const facts = { uses: ['code'], revision: 'abc123', template: 'no system role', factsFrom: { licence: 'https://example.org/LICENSE' } }
  const unverified = { ...entryOf([{ name: 'weights.gguf', sources: ['hf:org/repo/weights.gguf@abc123'] }], 'unverified'), ...facts }
  writeFileSync(extraFile, JSON.stringify({ models: [unverified] }))
  const found = findEntry(loadCatalogue({ extraFile }), 'unverified')
  assert.deepEqual([found?.files[0]?.sha256, found?.revision, found?.factsFrom], [undefined, 'abc123', facts.factsFrom])
  writeFileSync(extraFile, JSON.stringify({ models: [unverified], defaults: { chat: 'unverified' } }))
  assert.throws(() => loadCatalogue({ extraFile }), /has the default unverified, whose weights\.gguf has no sha256 or no size/)
})

test('a mistyped name finds the ones it may have meant, the nearest first and three at most', () => {
  const known = ['smollm2', 'smollm2-135m-instruct', 'smollm2:135m', 'smollm2-135m', 'all-minilm', 'all-minilm-l6-v2', 'qwen3-4b']
  assert.equal(nearNames('smolm2', known)[0], 'smollm2')
  assert.equal(nearNames('all-mini-lm', known)[0], 'all-minilm')
  assert.equal(nearNames('Qwen3-4', known)[0], 'qwen3-4b')
  assert.equal(nearNames('smol', known).length, 3)
  assert.deepEqual(nearNames('gpt-4o', known), [])
  assert.deepEqual(nearNames('x'.repeat(100_000), known), [])
})
