import assert from 'node:assert/strict'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../server/errors.ts'
import { inspectWeights } from '../../../server/models/inspect/inspect.ts'
import { readWeights } from '../../../server/models/inspect/read-weights.ts'
import { buildGguf, smallGguf, tinyGguf } from '../../helpers/gguf.ts'
import { temporaryFolder } from '../fixtures.ts'

const spoilt = new URL('../spoilt-reader.ts', import.meta.url)

async function refusalOf(inspection: Promise<unknown>): Promise<AppError> {
  const error = await inspection.then(
    () => undefined,
    (reason: unknown) => reason
  )
  assert.ok(error instanceof AppError, `a refusal, got ${error}`)
  return error
}

async function refusalBy(name: string, timeoutMs?: number): Promise<AppError> {
  using folder = temporaryFolder()
  const path = join(folder.path, 'some.gguf')
  writeFileSync(path, 'GGUF')
  return await refusalOf(inspectWeights([{ name, path }], { program: spoilt, ...(timeoutMs === undefined ? {} : { timeoutMs }) }))
}

test('the process says of a file what its header says', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  assert.deepEqual(await inspectWeights(path), readWeights([{ name: 'tiny.gguf', path }]))
})

test('a file is read through a link, as other programs keep their models', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'blobs'))
  mkdirSync(join(folder.path, 'snapshot'))
  renameSync(tinyGguf(join(folder.path, 'tiny.gguf')), join(folder.path, 'blobs', 'abc'))
  symlinkSync('../blobs/abc', join(folder.path, 'snapshot', 'tiny.gguf'))
  assert.equal((await inspectWeights(join(folder.path, 'snapshot', 'tiny.gguf'))).name, 'Tiny')
})

test('a refusal of the process arrives word for word', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'cut.gguf')
  writeFileSync(path, buildGguf(smallGguf()).subarray(0, 60))
  const { code, message } = await refusalOf(inspectWeights(path))
  assert.equal(code, 'weights_corrupt')
  assert.match(message, /cut\.gguf.*60 bytes/)
})

test('what is not there is unavailable, not corrupt', async () => {
  assert.equal((await refusalOf(inspectWeights('/nowhere/x.gguf'))).code, 'weights_unavailable')
  assert.equal((await refusalOf(inspectWeights([{ name: 'x.gguf', path: '/nowhere/x.gguf' }]))).code, 'weights_unavailable')
})

test('a file that keeps the process in a loop is refused when its time is over', async () => {
  const { code, message } = await refusalBy('hang', 2000)
  assert.equal(code, 'weights_corrupt')
  assert.match(message, /some\.gguf cannot be read: its header was not read within 2 s/)
})

test('a file that brings the process down is refused, and says how it ended', async () => {
  const aborted = await refusalBy('abort')
  assert.equal(aborted.code, 'weights_corrupt')
  assert.match(aborted.message, /ended the process that did it \(SIGABRT\)/)
  assert.match((await refusalBy('exit')).message, /\(exit code 3\)/)
})

test('a file that eats memory is refused when the process has had its share', async () => {
  const { code, message } = await refusalBy('heap')
  assert.equal(code, 'weights_corrupt')
  assert.match(message, /it took too much memory/)
})

test('an answer that is none is refused', async () => {
  assert.match((await refusalBy('nonsense')).message, /answered nonsense/)
})

test('the process has nothing of our environment, and may read the weights and do nothing else', async () => {
  const { message } = await refusalBy('rights')
  const { environment, ...rights } = JSON.parse(message) as { environment: string[] } & Record<string, string>
  // Node names its own channel there, and a few systems add their encoding.
  assert.deepEqual(
    environment.filter((name) => !/^(NODE_CHANNEL_|__CF_USER_TEXT_ENCODING)/.test(name)),
    []
  )
  const denied = 'ERR_ACCESS_DENIED'
  assert.deepEqual(rights, { readWeights: 'done', readElsewhere: denied, write: denied, run: denied })
})

test('an inspection that is no longer wanted stops at once', async () => {
  using folder = temporaryFolder()
  const path = tinyGguf(join(folder.path, 'tiny.gguf'))
  const controller = new AbortController()
  const refusal = refusalOf(inspectWeights([{ name: 'hang', path }], { program: spoilt, signal: controller.signal }))
  controller.abort()
  assert.equal((await refusal).code, 'cancelled')
  assert.equal((await refusalOf(inspectWeights(path, { signal: AbortSignal.abort() }))).code, 'cancelled')
})
