import assert from 'node:assert/strict'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ModelStatus } from '#contracts/model.ts'
import { Policy } from '#contracts/policy.ts'
import { AppError } from '../server/errors.ts'
import { createModelUpkeep } from '../server/model-upkeep.ts'
import { createModelStore } from '../server/models/store/store.ts'
import { openDatabase } from '../server/store/database.ts'
import { createSettingsStore } from '../server/store/settings.ts'
import { temporaryFolder } from './helpers/folder.ts'
import { tinyGguf } from './helpers/gguf.ts'
import { type Ending, onEnd } from './helpers/on-end.ts'
import { until } from './helpers/processes.ts'
import { catalogueOf, entryOf, fileOf, sha256Of, silent, someBytes } from './models/fixtures.ts'

/** Store and settings are real; the models around them say what the test wants. */
function upkeepOf(t: Ending) {
  const folder = temporaryFolder(t)
  const bytes = someBytes(1000)
  const entry = entryOf([fileOf(bytes)], 'a')
  const catalogue = catalogueOf(entry)
  const store = createModelStore({ folder: join(folder, 'models'), catalogue, log: silent })
  mkdirSync(store.blobFolder, { recursive: true })
  writeFileSync(store.blobPath(sha256Of(bytes)), bytes)
  store.add(entry)
  const db = openDatabase(join(folder, 'outpost.db'))
  onEnd(t, () => db.close())
  const state = { of: 'ready' as ModelStatus['state'], denied: undefined as AppError | undefined }
  const calls: string[] = []
  const ending = new AbortController()
  onEnd(t, () => ending.abort())
  const status = () => ({ id: 'a', state: state.of }) as ModelStatus // The rest of it is not asked for.
  const create = () =>
    createModelUpkeep({
      store,
      catalogue,
      settings: createSettingsStore(db),
      models: () => ({
        list: () => [status()],
        resolve: status,
        pull: async (id) => {
          calls.push(`pull ${id}`)
          throw new AppError('weights_unavailable', 'nobody has it')
        },
        load: async () => {},
        unload: async (id) => void calls.push(`unload ${id}`),
        ensure: () => {},
        slotsOf: () => 1,
        lookAgain: () => {},
        deniedBy: () => state.denied
      }),
      onChange: () => calls.push('changed'),
      signal: ending.signal,
      log: silent
    })
  return { folder, store, bytes, sha256: sha256Of(bytes), state, calls, create, signal: ending.signal }
}

test('pins and policy outlive the server that took them', (t) => {
  const { create, calls } = upkeepOf(t)
  const first = create()
  first.setPinned('A', true, 'owner')
  first.setPolicy(Policy.parse({ models: { deny: ['x'] } }), 'owner')
  assert.deepEqual(calls, ['changed', 'changed'])
  const second = create()
  assert.equal(second.isPinned('a'), true)
  assert.deepEqual(second.policy().models.deny, ['x'])
  second.setPinned('a', false, 'owner')
  assert.equal(create().isPinned('a'), false)
})

test('what a new policy denies is unloaded, and only if it is loaded', (t) => {
  const { create, calls, state } = upkeepOf(t)
  state.denied = new AppError('policy_denied', 'no')
  create().setPolicy(Policy.parse({}), 'owner')
  state.of = 'present'
  create().setPolicy(Policy.parse({}), 'owner')
  state.of = 'ready'
  state.denied = undefined
  create().setPolicy(Policy.parse({}), 'owner')
  assert.deepEqual(
    calls.filter((call) => call !== 'changed'),
    ['unload a']
  )
})

test('a file the policy denies is not adopted', async (t) => {
  const { create, folder, store } = upkeepOf(t)
  const upkeep = create()
  upkeep.setPolicy(Policy.parse({ licences: { allow: ['MIT'] } }), 'owner')
  await assert.rejects(upkeep.adopt(tinyGguf(join(folder, 'tiny.gguf'))), {
    code: 'policy_denied',
    message: /may not be adopted: .* licence NOASSERTION/
  })
  assert.equal(store.find('tiny'), undefined)
  upkeep.setPolicy(Policy.parse({}), 'owner')
  assert.equal(await upkeep.adopt(join(folder, 'tiny.gguf')), 'tiny')
})

test('a model that is being pulled is not removed', (t) => {
  const { create, state, store } = upkeepOf(t)
  state.of = 'pulling'
  assert.throws(() => create().remove('a'), { code: 'conflict' })
  assert.equal(store.list().length, 1)
})

test('what has not been verified for long is read again in the background; what has rotted is unloaded and fetched', async (t) => {
  const { create, store, sha256, calls, bytes, signal } = upkeepOf(t)
  const longAgo = new Date(Date.now() - 100 * 86_400_000)
  utimesSync(store.blobPath(sha256), longAgo, longAgo)
  create().keepVerified({ maxAgeMs: 1000, signal })
  await until(() => store.verified.of(sha256) !== undefined, 'it was verified')
  store.verified.forget(sha256)
  writeFileSync(store.blobPath(sha256), bytes.reverse())
  utimesSync(store.blobPath(sha256), longAgo, longAgo)
  create().keepVerified({ maxAgeMs: 1000, signal })
  await until(() => calls.includes('pull a'), 'it was asked for again')
  assert.deepEqual(calls, ['unload a', 'pull a'])
  assert.deepEqual(store.list(), [])
})
