import assert from 'node:assert/strict'
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { takeFileLock } from '../../../server/models/file-lock.ts'
import { inspectWeights } from '../../../server/models/inspect/inspect.ts'
import type { WeightsFile } from '../../../server/models/inspect/read-weights.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { buildGguf, smallGguf, splitGguf, tinyGguf } from '../../helpers/gguf.ts'
import { catalogueOf, entryOf, fileOf, silent, someBytes, temporaryFolder } from '../fixtures.ts'

const withCode = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === code && message.test(error.message)

test('an empty folder has no models, and is not created by looking', () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  assert.deepEqual(store.list(), [])
  assert.equal(store.find('x'), undefined)
  assert.equal(store.remove('x'), undefined)
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
  assert.deepEqual(store.remove('a-alias'), { id: 'a', freed: 20, kept: 10 })
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
  assert.deepEqual(store.remove('my-tiny.f32'), { id: 'my-tiny.f32', freed: 0, kept: readFileSync(path).length })
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

test('an adopted file that was written to is not used until it was looked at again', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  let looks = 0
  const inspect = (files: readonly WeightsFile[]) => {
    looks++
    return inspectWeights(files)
  }
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), inspect, log: silent })
  await store.adopt(path)
  await store.adopt(path)
  assert.equal(looks, 1, 'what has not changed is not looked into again')
  // Same size, same name, other time: only its owner knows what happened to it.
  utimesSync(path, new Date(), new Date(Date.now() + 5000))
  assert.equal(store.find('tiny'), undefined)
  assert.match(store.broken()[0]?.reason ?? '', /tiny\.gguf has changed since it was looked at.*outpost verify tiny/)
  await store.adopt(path)
  assert.deepEqual([looks, store.find('tiny')?.files[0]?.path, store.broken()], [2, path, []])
})

test('a file that was replaced by another of the same size and time is noticed', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  // Whole seconds, which every file system keeps.
  utimesSync(path, 1000, 1000)
  await store.adopt(path)
  const other = tinyGguf(join(folder.path, 'other.gguf'))
  utimesSync(other, 1000, 1000)
  renameSync(other, path)
  assert.equal(store.find('tiny'), undefined)
})

test('all parts of a split file are one model, whichever is named', async () => {
  using folder = temporaryFolder()
  const parts = splitGguf(join(folder.path, 'Big'), 2)
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  const model = await store.adopt(parts[1] ?? '')
  assert.deepEqual([model.entry.id, model.files.map(({ path }) => path)], ['big', parts])
  assert.deepEqual(await store.adopt(parts[0] ?? ''), model)
  rmSync(parts[1] ?? '')
  assert.equal(store.find('big'), undefined)
  await assert.rejects(store.adopt(parts[0] ?? ''), withCode('weights_unavailable', /Big-00002-of-00002\.gguf is not there/))
})

test('a file is adopted under another name where its own is taken, and a name that is none is refused', async () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(entryOf([])), log: silent })
  const path = tinyGguf(join(folder.path, 'some-model.gguf'))
  assert.deepEqual(store.nameFor(path), { id: 'some-model', takenBy: 'the catalogue', isAdopted: false })
  assert.equal((await store.adopt(path, { id: 'mine' })).entry.id, 'mine')
  await assert.rejects(store.adopt(path, { id: '../x' }), withCode('invalid_request', /is no name/))
})

test('what speaks against a file is said before anything is written', async () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  const allow = () => {
    throw new AppError('policy_denied', 'no')
  }
  await assert.rejects(store.adopt(tinyGguf(join(folder.path, 'tiny.gguf')), { allow }), withCode('policy_denied', /no/))
  assert.equal(existsSync(join(folder.path, 'models')), false)
})

test('a manifest of the first version, which knew only the size of one adopted file, still counts', () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  mkdirSync(join(folder.path, 'models', 'manifests'), { recursive: true })
  const manifest = { entry: entryOf([], 'tiny'), adopted: { path, size: statSync(path).size } }
  writeFileSync(join(folder.path, 'models', 'manifests', 'tiny.json'), JSON.stringify(manifest))
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  assert.equal(store.find('tiny')?.files[0]?.path, path)
})

test('models of a shared store are used where they lie, and are not removed from here', () => {
  using folder = temporaryFolder()
  const [bytes, both] = [someBytes(10), someBytes(20)]
  const shared = entryOf([fileOf(bytes), fileOf(both, [], 'both.bin')], 'shared')
  const there = createModelStore({ folder: join(folder.path, 'there'), catalogue: catalogueOf(), log: silent })
  mkdirSync(there.blobFolder, { recursive: true })
  for (const each of [bytes, both]) writeFileSync(there.blobPath(fileOf(each).sha256), each)
  there.add(shared)
  const before = snapshot(join(folder.path, 'there'))
  const here = createModelStore({
    folder: join(folder.path, 'here'),
    catalogue: catalogueOf(),
    shared: [join(folder.path, 'there'), join(folder.path, 'not there')],
    log: silent
  })
  assert.equal(realpathSync(here.find('shared-alias')?.files[0]?.path ?? ''), realpathSync(there.blobPath(fileOf(bytes).sha256)))
  // A model of one's own may need a blob that only the shared store has.
  assert.equal(here.add(entryOf([fileOf(both)], 'own')).files[0]?.path, there.blobPath(fileOf(both).sha256))
  assert.throws(() => here.remove('shared'), withCode('conflict', /shared store, which is only read/))
  assert.deepEqual(here.remove('own'), { id: 'own', freed: 0, kept: 0 })
  assert.equal(here.quarantine(fileOf(bytes).sha256), undefined)
  assert.deepEqual(snapshot(join(folder.path, 'there')), before)
})

test('removing a model also frees what a stopped pull of it left, and not what a running one writes', async () => {
  using folder = temporaryFolder()
  const file = fileOf(someBytes(100))
  const store = createModelStore({ folder: folder.path, catalogue: catalogueOf(entryOf([file])), log: silent })
  mkdirSync(store.blobFolder)
  writeFileSync(`${store.blobPath(file.sha256)}.partial`, someBytes(60))
  {
    using _running = await takeFileLock(`${store.blobPath(file.sha256)}.lock`, new AbortController().signal)
    assert.equal(store.remove('some-model'), undefined)
    assert.ok(existsSync(`${store.blobPath(file.sha256)}.partial`))
  }
  assert.deepEqual(store.remove('some-model'), { id: 'some-model', freed: 60, kept: 0 })
  assert.deepEqual(readdirSync(store.blobFolder), [])
})

test('a hundred models are looked at without a byte of them being read, and manifests once', (t) => {
  using folder = temporaryFolder()
  const catalogue = catalogueOf()
  const first = createModelStore({ folder: folder.path, catalogue, log: silent })
  mkdirSync(first.blobFolder)
  for (let i = 0; i < 100; i++) {
    const bytes = someBytes(100)
    writeFileSync(first.blobPath(fileOf(bytes).sha256), bytes)
    first.add(entryOf([fileOf(bytes)], `model-${i}`))
  }
  const read = t.mock.method(fs, 'readFileSync')
  const opened = t.mock.method(fs, 'openSync')
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  const second = createModelStore({ folder: folder.path, catalogue, log: silent })
  assert.equal(second.list().length, 100)
  assert.deepEqual([read.mock.callCount(), opened.mock.callCount()], [100, 0], 'one read for each manifest')
  assert.equal(second.list().length, 100)
  assert.equal(read.mock.callCount(), 100, 'none for the second look')
})

/** Every path below a folder, with when it was written to. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`)
    .sort()
}
