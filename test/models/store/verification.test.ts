import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashFile } from '../../../server/models/store/hash-file.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { createVerification, type VerificationOptions } from '../../../server/models/store/verification.ts'
import { tinyGguf } from '../../helpers/gguf.ts'
import { catalogueOf, entryOf, fileOf, sha256Of, silent, someBytes, temporaryFolder } from '../fixtures.ts'

const day = 86_400_000

/** A store of models with one file each, and a count of how often which file was hashed. */
function storeWith(folder: string, models: Record<string, Buffer>, change: Partial<VerificationOptions> = {}, shared: string[] = []) {
  const entries = Object.entries(models).map(([id, bytes]) => entryOf([fileOf(bytes)], id))
  const store = createModelStore({ folder, catalogue: catalogueOf(...entries), shared, log: silent })
  mkdirSync(store.blobFolder, { recursive: true })
  for (const entry of entries) {
    const [file] = entry.files
    assert.ok(file !== undefined)
    writeFileSync(store.blobPath(file.sha256), models[entry.id] ?? '')
    store.add(entry)
  }
  const hashed: string[] = []
  const clock = { now: Date.now() }
  const rotten: string[] = []
  const verification = createVerification({
    store,
    async hash(path) {
      hashed.push(path)
      return sha256Of(readFileSync(path))
    },
    onRotten: (id) => rotten.push(id),
    now: () => clock.now,
    log: silent,
    ...change
  })
  const background = (maxDays: number) => verification.runOldest(maxDays * day, { signal: new AbortController().signal, rate: 1e9 })
  return { store, verification, hashed, rotten, clock, background }
}

test('a file that is what it was is marked with when that was found', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(100)
  const { store, verification, clock } = storeWith(folder.path, { a: bytes })
  assert.deepEqual(await verification.run('a'), [{ model: 'a', file: 'weights.bin', state: 'right', message: null, at: clock.now }])
  assert.equal(store.verified.of(sha256Of(bytes)), clock.now)
  assert.deepEqual(verification.status().running, null)
})

test('a second start reads nothing again: not what was verified, nor what was pulled not long ago', async () => {
  using folder = temporaryFolder()
  const models = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, someBytes(20)]))
  const first = storeWith(folder.path, models)
  first.clock.now += 31 * day
  assert.equal(await first.background(30), true)
  await first.verification.run()
  assert.equal(first.hashed.length, 101)
  const second = storeWith(folder.path, {})
  second.clock.now += 60 * day
  assert.equal(await second.background(30), false)
  assert.deepEqual(second.hashed, [])
})

test('in the background the file that was longest not verified comes first, one at a time', async () => {
  using folder = temporaryFolder()
  const { store, hashed, background } = storeWith(folder.path, { a: someBytes(1), b: someBytes(2), c: someBytes(3) })
  const path = (id: string) => store.find(id)?.files[0]?.path ?? ''
  const age = (id: string, days: number) => utimesSync(path(id), new Date(), new Date(Date.now() - days * day))
  age('a', 40)
  age('b', 50)
  assert.deepEqual([await background(30), await background(30), await background(30)], [true, true, false])
  assert.deepEqual(hashed, [path('b'), path('a')])
})

test('a blob that rotted is put aside, its model told, and it is never offered again', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(100)
  const { store, verification, rotten } = storeWith(folder.path, { a: bytes, b: bytes })
  const changed = Buffer.from(bytes)
  changed[50] = (changed[50] ?? 0) ^ 1
  writeFileSync(store.blobPath(sha256Of(bytes)), changed)
  const [a, b] = await verification.run()
  assert.deepEqual([a?.state, b?.state], ['rotten', 'missing'])
  assert.match(a?.message ?? '', /expected .*put aside.*outpost pull a/s)
  assert.deepEqual(rotten, ['a'])
  assert.equal(store.find('a'), undefined)
  assert.equal(readdirSync(join(folder.path, 'quarantine')).length, 1)
})

test('a rotten blob is fetched again where that can be done', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(100)
  let store: ReturnType<typeof storeWith>['store'] | undefined
  const fetchAgain = async () => writeFileSync(store?.blobPath(sha256Of(bytes)) ?? '', bytes)
  const made = storeWith(folder.path, { a: bytes }, { fetchAgain })
  store = made.store
  writeFileSync(store.blobPath(sha256Of(bytes)), someBytes(100))
  assert.equal((await made.verification.run('a'))[0]?.state, 'mended')
  assert.equal((await made.verification.run('a'))[0]?.state, 'right')
  rmSync(store.blobPath(sha256Of(bytes)))
  assert.equal((await made.verification.run('a'))[0]?.state, 'missing')
})

test('what cannot be fetched again is reported with what its sources answered', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(100)
  const fetchAgain = () => Promise.reject(new Error('nobody has it'))
  const { store, verification } = storeWith(folder.path, { a: bytes }, { fetchAgain })
  writeFileSync(store.blobPath(sha256Of(bytes)), someBytes(100))
  const [result] = await verification.run('a')
  assert.equal(result?.state, 'rotten')
  assert.match(result?.message ?? '', /could not be fetched again: nobody has it/)
})

test('a rotten file of a shared store is reported, once in the background, and left where it is', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(100)
  const there = join(folder.path, 'there')
  const owner = storeWith(there, { a: bytes })
  writeFileSync(owner.store.blobPath(sha256Of(bytes)), someBytes(100))
  const { verification, rotten, background, clock } = storeWith(join(folder.path, 'here'), {}, {}, [there])
  const [result] = await verification.run('a')
  assert.deepEqual([result?.state, rotten], ['rotten', []])
  assert.match(result?.message ?? '', /shared store/)
  assert.ok(existsSync(owner.store.blobPath(sha256Of(bytes))))
  clock.now += 100 * day
  assert.equal(await background(30), false)
})

test('an adopted file that changed is looked at again, and counts again when its header is right', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  const { store, verification, hashed } = storeWith(join(folder.path, 'models'), {})
  await store.adopt(path)
  utimesSync(path, new Date(), new Date(Date.now() + 5000))
  assert.equal(store.find('tiny'), undefined)
  assert.equal((await verification.run('tiny'))[0]?.state, 'unhashed')
  assert.equal(store.find('tiny')?.entry.id, 'tiny')
  writeFileSync(path, 'no weights any more')
  assert.equal((await verification.run('tiny'))[0]?.state, 'rotten')
  assert.equal(store.find('tiny'), undefined)
  rmSync(path)
  assert.equal((await verification.run('tiny'))[0]?.state, 'missing')
  assert.deepEqual(hashed, [])
})

test('a file is hashed in a process of its own, which tells how far it is and ends when it is told to', async () => {
  using folder = temporaryFolder()
  const bytes = someBytes(65 * 2 ** 20)
  const path = join(folder.path, 'big')
  writeFileSync(path, bytes)
  const heard: number[] = []
  assert.equal(await hashFile(path, { onProgress: (received) => heard.push(received) }), sha256Of(bytes))
  assert.deepEqual(heard, [64 * 2 ** 20])
  const stop = new AbortController()
  // At this rate it would take years.
  const slow = hashFile(path, { rate: 1, signal: stop.signal })
  stop.abort()
  await assert.rejects(slow, { name: 'AbortError' })
  await assert.rejects(hashFile(join(folder.path, 'none')), { code: 'weights_unavailable', message: /none cannot be read: ENOENT/ })
})
