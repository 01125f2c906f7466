import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../server/errors.ts'
import { createModelStore } from '../../server/models/store.ts'
import { buildGguf, smallGguf, tinyGguf } from '../helpers/gguf.ts'
import { catalogueOf, entryOf, fileOf, silent, someBytes, temporaryFolder } from './fixtures.ts'

const withCode = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === code && message.test(error.message)

test('an empty folder has no models, and is not created by looking', () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  assert.deepEqual(store.list(), [])
  assert.equal(store.find('x'), undefined)
  assert.equal(store.remove('x'), false)
  assert.equal(existsSync(join(folder.path, 'models')), false)
})

test('a model whose file is gone is not listed; a colon in an id is kept', () => {
  using folder = temporaryFolder()
  const bytes = someBytes(1000)
  const entry = entryOf([fileOf(bytes)], 'name:7b')
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(entry), log: silent })
  mkdirSync(join(folder.path, 'blobs'))
  assert.throws(() => store.add(entry), withCode('internal_error', /not all in/))
  writeFileSync(store.blobPath(entry.files[0]?.sha256 ?? ''), bytes)
  assert.equal(store.add(entry).entry.id, 'name:7b')
  assert.equal(store.find('name:7b-ALIAS')?.files[0]?.size, 1000)
  assert.ok(readdirSync(join(folder.path, 'manifests')).every((name) => !name.includes(':')))
  rmSync(store.blobPath(entry.files[0]?.sha256 ?? ''))
  assert.deepEqual(store.list(), [])
})

test('a model that left the catalogue is still here, and a broken manifest is passed over', () => {
  using folder = temporaryFolder()
  const bytes = someBytes(1000)
  const entry = entryOf([fileOf(bytes)])
  const before = createModelStore({ folder: folder.path, catalogue: catalogueOf(entry), log: silent })
  mkdirSync(join(folder.path, 'blobs'))
  writeFileSync(before.blobPath(entry.files[0]?.sha256 ?? ''), bytes)
  before.add(entry)
  writeFileSync(join(folder.path, 'manifests', 'broken.json'), '{"entry":')
  const after = createModelStore({ folder: folder.path, catalogue: catalogueOf(), log: silent })
  assert.deepEqual(
    after.list().map((model) => model.entry.id),
    ['some-model']
  )
  assert.equal(after.find('some-model-alias')?.entry.id, 'some-model')
})

test('removing a model deletes the files that no other model needs', () => {
  using folder = temporaryFolder()
  const [shared, own] = [someBytes(10), someBytes(20)]
  const a = entryOf([fileOf(shared), fileOf(own, [], 'own.bin')], 'a')
  const b = entryOf([fileOf(shared)], 'b')
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(a, b), log: silent })
  mkdirSync(join(folder.path, 'blobs'))
  for (const bytes of [shared, own]) writeFileSync(store.blobPath(fileOf(bytes).sha256), bytes)
  store.add(a)
  store.add(b)
  assert.equal(store.remove('a-alias'), true)
  assert.deepEqual(
    store.list().map((model) => model.entry.id),
    ['b']
  )
  assert.deepEqual(readdirSync(join(folder.path, 'blobs')), [`sha256-${fileOf(shared).sha256}`])
})

test('a GGUF file is adopted where it lies, and removing the model leaves it there', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'My Tiny.F32.GGUF'))
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  const model = await store.adopt(path)
  assert.deepEqual(
    { ...model.entry, description: '' },
    {
      id: 'my-tiny.f32',
      aliases: [],
      name: 'Tiny',
      description: '',
      kind: 'chat',
      engine: 'llama',
      licence: 'NOASSERTION',
      parameters: 18_752,
      contextWindow: 256,
      files: []
    }
  )
  assert.deepEqual(model.files, [{ name: 'My Tiny.F32.GGUF', path, size: readFileSync(path).length, sha256: '' }])
  assert.deepEqual(await store.adopt(path), model, 'a second time is the same')
  assert.deepEqual(store.list(), [model])
  assert.equal(store.remove('my-tiny.f32'), true)
  assert.ok(existsSync(path))
})

test('an adopted file that changed its size is no longer offered', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  await store.adopt(path)
  writeFileSync(path, 'x')
  assert.equal(store.find('tiny'), undefined)
})

test('a broken file and a name that is taken are not adopted', async () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(entryOf([])), log: silent })
  writeFileSync(join(folder.path, 'broken.gguf'), buildGguf(smallGguf()).subarray(0, 60))
  await assert.rejects(store.adopt(join(folder.path, 'broken.gguf')), withCode('weights_corrupt', /broken\.gguf/))
  await assert.rejects(store.adopt(join(folder.path, 'nowhere.gguf')), withCode('weights_unavailable', /nowhere\.gguf/))
  await assert.rejects(store.adopt(tinyGguf(join(folder.path, 'some-model.gguf'))), withCode('conflict', /the catalogue has that name/))
  mkdirSync(join(folder.path, 'other'))
  await store.adopt(tinyGguf(join(folder.path, 'same.gguf')))
  await assert.rejects(store.adopt(tinyGguf(join(folder.path, 'other', 'same.gguf'))), withCode('conflict', /would be the model same/))
})
