import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { inspectWeights } from '../../../server/models/inspect/inspect.ts'
import { createModelStore } from '../../../server/models/store/store.ts'
import { buildGguf, type GgufField, smallGguf } from '../../helpers/gguf.ts'
import { catalogueOf, silent, temporaryFolder } from '../fixtures.ts'

const names = [1, 2, 3].map((number) => `big-0000${number}-of-00003.gguf`)

function writeParts(folder: string, change: { no?: number[]; count?: number; tensors?: string[]; total?: number } = {}): void {
  const { no = [0, 1, 2], count = 3, tensors = ['a', 'b', 'c'], total = 3 } = change
  for (const [index, name] of names.entries()) {
    const split: [string, GgufField][] = [
      ['split.no', { u32: no[index] ?? 0 }],
      ['split.count', { u32: count }],
      ['split.tensors.count', { u32: total }]
    ]
    const fields = index === 0 ? [...smallGguf().fields, ...split] : split
    writeFileSync(join(folder, name), buildGguf({ fields, tensors: [{ name: tensors[index] ?? '', dimensions: [8, 4] }] }))
  }
}

async function refusal(folder: string, name = names[0] ?? ''): Promise<string> {
  const error = await inspectWeights(join(folder, name)).then(
    () => undefined,
    (reason: unknown) => reason
  )
  assert.ok(error instanceof AppError, `a refusal, got ${error}`)
  assert.equal(error.code, 'weights_corrupt')
  return error.message
}

test('any part of a split model stands for the whole of it', async () => {
  using folder = temporaryFolder()
  writeParts(folder.path)
  for (const name of names) {
    const { files, tensorCount, parameters } = await inspectWeights(join(folder.path, name))
    assert.deepEqual({ files: files.map((file) => file.name), tensorCount, parameters }, { files: names, tensorCount: 3, parameters: 96 })
  }
})

test('a split model is checked in all its parts, under the names they have in the model', async () => {
  using folder = temporaryFolder()
  writeParts(folder.path)
  const blobs = names.map((name, index) => ({ name, path: join(folder.path, `sha256-${index}`) }))
  for (const { name, path } of blobs) renameSync(join(folder.path, name), path)
  assert.equal((await inspectWeights(blobs.toReversed())).tensorCount, 3)
  writeFileSync(blobs[1]?.path ?? '', 'GGUF')
  await assert.rejects(inspectWeights(blobs), /big-00002-of-00003\.gguf \(.*sha256-1\) is no GGUF file: it has 4 bytes/)
})

test('a part that is missing, foreign, in the wrong place or there twice is refused', async () => {
  using folder = temporaryFolder()
  writeParts(folder.path, { no: [0, 2, 1] })
  assert.match(await refusal(folder.path), /does not belong together: "big-00002-of-00003\.gguf" says it is part 3 of 3/)
  writeParts(folder.path, { count: 4 })
  assert.match(await refusal(folder.path), /is one of 4 parts by its header, and 3 are here/)
  writeParts(folder.path, { tensors: ['a', 'b', 'a'] })
  assert.match(await refusal(folder.path), /has the tensor "a" in "big-00001-of-00003\.gguf" and in "big-00003-of-00003\.gguf"/)
  writeParts(folder.path, { total: 4 })
  assert.match(await refusal(folder.path), /says that all parts have 4 tensors; 3 are here/)
  writeParts(folder.path)
  rmSync(join(folder.path, names[1] ?? ''))
  assert.match(await refusal(folder.path), /is one of 3 parts, and "big-00002-of-00003\.gguf" is not here/)
})

test('a part that was given another name is not taken for a whole model', async () => {
  using folder = temporaryFolder()
  writeParts(folder.path)
  writeFileSync(join(folder.path, 'whole.gguf'), buildGguf({ fields: [...smallGguf().fields, ['split.count', { u32: 3 }]], tensors: [] }))
  assert.match(await refusal(folder.path, 'whole.gguf'), /is one of 3 parts by its header, and 1 is here/)
})

test('a split model is adopted by its first part, under the name it would have whole', async () => {
  using folder = temporaryFolder()
  writeParts(folder.path)
  const store = createModelStore({ folder: join(folder.path, 'models'), catalogue: catalogueOf(), log: silent })
  const { entry, files } = await store.adopt(join(folder.path, names[2] ?? ''))
  assert.equal(entry.id, 'big')
  assert.equal(files[0]?.path, join(folder.path, names[0] ?? ''))
})
