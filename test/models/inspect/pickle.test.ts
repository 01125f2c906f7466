import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { inspectWeights } from '../../../server/models/inspect/inspect.ts'
import { pullModel } from '../../../server/models/pull/pull.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { buildZip } from '../../helpers/zip.ts'
import { catalogueOf, entryOf, fileOf, settings, silent, temporaryFolder } from '../fixtures.ts'

/** `os.system("true")`, as a pickle of protocol 4 and of protocol 0. */
const modern = Buffer.from(
  '\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.',
  'latin1'
)
const ancient = Buffer.from("cos\nsystem\n(S'true'\ntR.", 'latin1')
const archive = buildZip(
  [
    { name: 'model/data.pkl', bytes: modern },
    { name: 'model/data/0', bytes: Buffer.alloc(64) }
  ],
  ''
)

async function refusal(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason
  )
  assert.ok(error instanceof AppError, `a refusal, got ${error}`)
  assert.equal(error.code, 'weights_corrupt')
  return error.message
}

test('a pickle is refused by its content, whatever it is called, with the reason and what to do', async () => {
  using folder = temporaryFolder()
  for (const [name, bytes, what] of [
    ['weights', modern, /is a Python pickle/],
    ['weights.safetensors', modern, /is a Python pickle/],
    ['weights.safetensors', ancient, /is a Python pickle/],
    ['model.json', archive, /is an archive with a Python pickle in it/],
    ['model.bin', archive, /is an archive with a Python pickle in it/]
  ] as const) {
    const path = join(folder.path, name)
    writeFileSync(path, bytes)
    const message = await refusal(inspectWeights([{ name, path }]))
    assert.match(message, what)
    assert.match(message, /runs whatever program its maker put in\. Get the model as GGUF or as safetensors/)
  }
})

test('a file with the name of a pickle is refused whatever is in it', async () => {
  using folder = temporaryFolder()
  for (const name of ['model.pt', 'model.PTH', 'sd.ckpt', 'x.pkl', 'pytorch_model.bin', 'pytorch_model-00001-of-00002.bin']) {
    writeFileSync(join(folder.path, name), 'GGUF')
    assert.match(await refusal(inspectWeights(join(folder.path, name))), /has the name of a Python pickle/)
  }
})

test('a folder of nothing but pickles is refused as such, and safetensors beside them are used', async () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'pytorch_model.bin'), archive)
  assert.match(await refusal(inspectWeights(folder.path)), /pytorch_model\.bin has the name of a Python pickle/)
})

test('a model with a pickle among its files is not pulled', async () => {
  using folder = temporaryFolder()
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  const pull = (name: string, bytes: Buffer) => {
    const entry = entryOf([fileOf(bytes, [], name)])
    return pullModel({ entry, store, sources: settings({ mirrors: [folder.path] }), log: silent })
  }
  writeFileSync(join(folder.path, 'model.pt'), 'x')
  assert.match(await refusal(pull('model.pt', Buffer.from('x'))), /model\.pt has the name of a Python pickle/)
  writeFileSync(join(folder.path, 'harmless.txt'), modern)
  assert.match(await refusal(pull('harmless.txt', modern)), /harmless\.txt is a Python pickle/)
  assert.deepEqual(store.list(), [])
})
