import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeFileLock } from '../../../server/models/file-lock.ts'
import { collectGarbage } from '../../../server/models/store/garbage.ts'
import { createModelStore, type ModelStore } from '../../../server/models/store/store.ts'
import { catalogueOf, entryOf, fileOf, silent, someBytes, temporaryFolder } from '../fixtures.ts'

const days = 86_400_000
const now = Date.now()

/** A store with one model that is used; `put` lays another file into its blobs. */
function storeWithModel(folder: string, ...others: ReturnType<typeof entryOf>[]) {
  const bytes = someBytes(10)
  const used = entryOf([fileOf(bytes)], 'used')
  const catalogue = catalogueOf(used, ...others)
  const store = createModelStore({ folder, catalogue, log: silent })
  mkdirSync(store.blobFolder, { recursive: true })
  put(store.blobPath(fileOf(bytes).sha256), 10, 400)
  store.add(used)
  return { store, catalogue, used: fileOf(bytes).sha256 }
}

function put(path: string, size: number, ageDays: number): string {
  writeFileSync(path, Buffer.alloc(size))
  utimesSync(path, new Date(), new Date(now - ageDays * days))
  return path
}

const collect = (store: ModelStore, catalogue: ReturnType<typeof catalogueOf>, change: { dryRun?: boolean; olderThanDays?: number } = {}) =>
  collectGarbage(store, catalogue, { olderThanDays: 7, dryRun: false, now, ...change })

test('an empty store has no garbage', async () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'none'), catalogue: catalogueOf(), log: silent })
  assert.deepEqual(await collect(store, catalogueOf()), { items: [], freed: 0, dryRun: false })
})

test('old blobs that no model needs, old partial files, dead locks and drafts go; what is used and what is fresh stays', async () => {
  using folder = temporaryFolder()
  const { store, catalogue, used } = storeWithModel(folder.path)
  const [orphan, fresh, stopped] = ['a', 'b', 'c'].map((digit) => store.blobPath(digit.repeat(64)))
  put(orphan ?? '', 20, 8)
  put(fresh ?? '', 30, 6)
  put(`${stopped}.partial`, 40, 8)
  put(`${stopped}.partial.json`, 2, 9)
  put(`${stopped}.lock`, 0, 8)
  put(join(folder.path, 'manifests', 'x.json.77.tmp'), 5, 8)
  mkdirSync(join(folder.path, 'quarantine'))
  put(join(folder.path, 'quarantine', 'sha256-old'), 50, 8)
  put(join(folder.path, 'quarantine', 'sha256-new'), 50, 1)
  put(join(store.blobFolder, 'a stranger.txt'), 9, 400)

  const before = readdirSync(folder.path, { recursive: true }).sort()
  const dry = await collect(store, catalogue, { dryRun: true })
  assert.deepEqual(readdirSync(folder.path, { recursive: true }).sort(), before, 'a dry run changes nothing')
  const report = await collect(store, catalogue)
  assert.deepEqual({ ...report, dryRun: true }, dry)
  assert.equal(report.freed, 20 + 40 + 2 + 0 + 5 + 50)
  assert.deepEqual(
    report.items.map(({ kind }) => kind),
    ['unused blob', 'dead lock', 'stopped pull', 'stopped pull', 'quarantined', 'draft']
  )
  assert.deepEqual(readdirSync(store.blobFolder).sort(), ['a stranger.txt', `sha256-${'b'.repeat(64)}`, `sha256-${used}`].sort())
  assert.deepEqual(readdirSync(join(folder.path, 'quarantine')), ['sha256-new'])
  assert.equal(store.find('used')?.entry.id, 'used')
})

test('older than 0 days is everything that serves nothing', async () => {
  using folder = temporaryFolder()
  const { store, catalogue } = storeWithModel(folder.path)
  put(store.blobPath('b'.repeat(64)), 30, 0)
  assert.equal((await collect(store, catalogue, { olderThanDays: 0 })).freed, 30)
})

test('nothing of a pull that runs is touched, also not the files of the same model that are here already', async () => {
  using folder = temporaryFolder()
  const [done, running] = [someBytes(11), someBytes(12)].map((bytes, i) => fileOf(bytes, [], `${i}.bin`))
  assert.ok(done !== undefined && running !== undefined)
  const { store, catalogue } = storeWithModel(folder.path, entryOf([done, running], 'coming'))
  put(store.blobPath(done.sha256), 11, 30)
  put(`${store.blobPath(running.sha256)}.partial`, 5, 30)
  {
    using _pull = await takeFileLock(`${store.blobPath(running.sha256)}.lock`, new AbortController().signal)
    assert.deepEqual((await collect(store, catalogue)).items, [])
  }
  assert.equal((await collect(store, catalogue)).freed, 16)
})

test('what a stopped pull of an unverified file left goes, too', async () => {
  using folder = temporaryFolder()
  const { store, catalogue } = storeWithModel(folder.path)
  const name = join(store.blobFolder, `unverified-${'0a'.repeat(16)}`)
  put(`${name}.partial`, 40, 8)
  put(`${name.replace('0a', 'ff')}.partial`, 50, 1)
  const { items } = await collect(store, catalogue)
  assert.deepEqual(
    items.map(({ path, kind }) => [path, kind]),
    [[`${name}.partial`, 'stopped pull']]
  )
  assert.deepEqual(readdirSync(store.blobFolder).filter((file) => file.startsWith('unverified')).length, 1)
})
