import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDescriptions } from '../../../server/models/inspect/descriptions.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { tinyGguf } from '../../helpers/gguf.ts'
import { catalogueOf, silent, temporaryFolder } from '../fixtures.ts'

test('a header is read once, kept over a restart, and read again after the file was touched', async () => {
  using folder = temporaryFolder()
  const models = join(folder.path, 'models')
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  const store = createModelStore({ folder: models, catalogue: catalogueOf(), log: silent })
  const model = await store.adopt(path)
  const first = await createDescriptions({ folder: models, log: silent }).of(model)
  assert.equal(first.name, 'Tiny')
  const kept = join(models, 'described', readdirSync(join(models, 'described'))[0] ?? '')
  writeFileSync(kept, JSON.stringify({ ...JSON.parse(readFileSync(kept, 'utf8')), description: { ...first, name: 'Kept' } }))
  assert.equal((await createDescriptions({ folder: models, log: silent }).of(model)).name, 'Kept', 'what was kept is believed')
  tinyGguf(path, { contextLength: 64 })
  const again = await createDescriptions({ folder: models, log: silent }).of(model)
  assert.deepEqual([again.name, again.contextLength], ['Tiny', 64])
  assert.equal(readdirSync(join(models, 'described')).length, 1)
})

test('what was kept and cannot be understood is read again', async () => {
  using folder = temporaryFolder()
  const models = join(folder.path, 'models')
  const store = createModelStore({ folder: models, catalogue: catalogueOf(), log: silent })
  const model = await store.adopt(tinyGguf(join(folder.path, 'tiny.gguf')))
  const descriptions = createDescriptions({ folder: models, log: silent })
  const first = await descriptions.of(model)
  const kept = join(models, 'described', readdirSync(join(models, 'described'))[0] ?? '')
  writeFileSync(kept, '{}')
  assert.deepEqual(await descriptions.of(model), first)
  assert.ok(statSync(kept).size > 100)
})
